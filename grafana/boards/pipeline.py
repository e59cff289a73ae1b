"""Is the pipeline well: for SRE. What it says of the business is on the other board."""

from __future__ import annotations

from typing import Final

from grafana.boards.panels import Board, Panel, Query, Row


def _quantile(q: float, metric: str, by: str) -> str:
    return f"histogram_quantile({q}, sum by (le, {by}) (rate({metric}_bucket[5m])))"


BOARD: Final = Board(
    uid="paystate-pipeline",
    title="Pipeline: is it well",
    description="Flow, delay, lag, commits, recovery, rebalances and dead letters of the workers.",
    rows=(
        Row(
            "Flow",
            (
                Panel(
                    "Facts by outcome",
                    "Facts folded a second, by what became of them: duplicates are copies told again "
                    "(harmless), conflicts and invalid ones are in the dead letters.",
                    (Query("sum by (outcome) (rate(payments_events_total[1m]))", "{{outcome}}"),),
                    unit="ops",
                ),
                Panel(
                    "Facts by source",
                    "Who speaks, facts a second.",
                    (Query("sum by (source) (rate(payments_events_total[1m]))", "{{source}}"),),
                    unit="ops",
                ),
                Panel(
                    "Records a unit",
                    "Input records in the last unit of work: large means catching up.",
                    (Query("payments_batch_records", "{{instance}}"),),
                ),
            ),
        ),
        Row(
            "Delay",
            (
                Panel(
                    "Event delay",
                    "ingest: from the event (their clock) to its arrival on payments.raw. publish: from there to its "
                    "committed effect; this is ours.",
                    (
                        Query(_quantile(0.5, "payments_event_delay_seconds", "stage"), "p50 {{stage}}"),
                        Query(_quantile(0.99, "payments_event_delay_seconds", "stage"), "p99 {{stage}}"),
                    ),
                    unit="s",
                ),
                Panel(
                    "Lag",
                    "Records that are there and not yet folded, by topic. Growing for minutes: see the runbook on lag.",
                    (Query("sum by (topic) (payments_consumer_lag_records)", "{{topic}}"),),
                ),
                Panel(
                    "Watermark age",
                    "Age of the newest record folded, by topic, of its slowest partition. Without lag it only "
                    "says that nothing came.",
                    (
                        Query(
                            "time() - min by (topic) "
                            "(max by (topic, partition) (payments_watermark_timestamp_seconds))",
                            "{{topic}}",
                        ),
                    ),
                    unit="s",
                ),
            ),
        ),
        Row(
            "Unit of work",
            (
                Panel(
                    "Fold by agent, p99",
                    "Time one agent takes in one unit of work.",
                    (Query(_quantile(0.99, "payments_processing_duration_seconds", "agent"), "{{agent}}"),),
                    unit="s",
                ),
                Panel(
                    "Commit",
                    "One Kafka transaction, begin to commit; grows with the partitions touched.",
                    (
                        Query(_quantile(0.5, "payments_commit_duration_seconds", "instance"), "p50 {{instance}}"),
                        Query(_quantile(0.99, "payments_commit_duration_seconds", "instance"), "p99 {{instance}}"),
                    ),
                    unit="s",
                ),
                Panel(
                    "Aborted units",
                    "Transactions aborted an hour, by worker; their records are folded again. A few at a rebalance are "
                    "usual.",
                    (Query("sum by (instance) (increase(payments_aborted_units_total[1h]))", "{{instance}}"),),
                ),
                Panel(
                    "Dead letters",
                    "Records put aside an hour, by topic and class: look at them with `paystate dlq list`.",
                    (
                        Query(
                            "sum by (topic, reason_class) (increase(payments_dlq_records_total[1h]))",
                            "{{topic}} {{reason_class}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Group and recovery",
            (
                Panel(
                    "Owners",
                    "When each instance got its partitions. Two at one partition: the lower is a zombie, fenced, "
                    "and its gauges are left out of the business board.",
                    (Query("payments_partition_owner_generation", "{{instance}} p{{partition}}"),),
                ),
                Panel(
                    "Rebalances",
                    "Assignments and revocations an hour.",
                    (Query("sum by (instance) (increase(payments_rebalances_total[1h]))", "{{instance}}"),),
                ),
                Panel(
                    "Recovery",
                    "Changelog records still to be replayed into stores; a partition folds nothing until its own are.",
                    (
                        Query(
                            "sum by (table, partition) (payments_recovery_remaining_records)",
                            "{{table}} p{{partition}}",
                        ),
                    ),
                ),
                Panel(
                    "Recovery time, p99",
                    "From assignment to a restored partition.",
                    (Query(_quantile(0.99, "payments_recovery_duration_seconds", "instance"), "{{instance}}"),),
                    unit="s",
                ),
            ),
        ),
        Row(
            "Deadlines",
            (
                Panel(
                    "Payments that wait for the clock",
                    "Payments with a deadline that has neither been met nor fired.",
                    (Query("sum by (partition) (payments_sla_timers)", "p{{partition}}"),),
                ),
                Panel(
                    "Deadlines that fired",
                    "Misses an hour, by bank: counted when the deadline passes, not when the word comes.",
                    (
                        Query(
                            'sum by (bank) (increase(payments_ack_sla_total{outcome="missed",mode="live"}[1h]))',
                            "{{bank}}",
                        ),
                    ),
                ),
                Panel(
                    "How late they fire, p99",
                    "From a deadline to the proved time that it fired at. As much as proved time lags: what is said is "
                    "right all the same, only later.",
                    (Query(_quantile(0.99, "payments_sla_timer_lateness_seconds", "instance"), "{{instance}}"),),
                    unit="s",
                ),
            ),
        ),
        Row(
            "Runtime",
            (
                Panel(
                    "Memory",
                    "Resident memory of each worker.",
                    (Query('process_resident_memory_bytes{job="paystate"}', "{{instance}}"),),
                    unit="bytes",
                ),
                Panel(
                    "CPU",
                    "Processor time a second of each worker: 1 is a whole core.",
                    (Query('rate(process_cpu_seconds_total{job="paystate"}[1m])', "{{instance}}"),),
                ),
                Panel(
                    "Open files",
                    "Descriptors of each worker: stores and connections.",
                    (Query('process_open_fds{job="paystate"}', "{{instance}}"),),
                ),
            ),
        ),
    ),
)
