"""Where the money is: for finance. Technical health is on the other board."""

from __future__ import annotations

from typing import Final

from grafana.boards.panels import Board, Panel, Query, Row

_OWNED: Final = (
    "payments_open * on (instance, partition) group_left () "
    "(payments_partition_owner_generation == on (partition) group_left () "
    "max by (partition) (payments_partition_owner_generation))"
)


def _share(part: str, whole: str) -> str:
    return f"sum({part}) / clamp_min(sum({whole}), 1)"


BOARD: Final = Board(
    uid="paystate-business",
    title="Payments: where the money is",
    description="State of payments by bank and rail, exceptions, duplicates and how long things take.",
    rows=(
        Row(
            "Now",
            (
                Panel(
                    "Data as of",
                    "Age of the newest record folded, oldest partition. Above 2 minutes with lag: STALE, do not act.",
                    (Query("time() - min(max by (partition) (payments_watermark_timestamp_seconds))"),),
                    unit="s",
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Open payments",
                    "Payments that are not closed, counted once, by the newest owner of each partition.",
                    (Query(f"sum({_OWNED})"),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Rejected in 24 h",
                    "Payments that a bank rejected in the last day.",
                    (Query('sum(increase(payments_transitions_total{to_status="REJECTED",mode="live"}[24h]))'),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Returned in 24 h",
                    "Payments that came back in the last day.",
                    (Query('sum(increase(payments_transitions_total{to_status="RETURNED",mode="live"}[24h]))'),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Duplicate alerts in 24 h",
                    "Duplicate-payment alerts opened in the last day, all rules.",
                    (Query('sum(increase(payments_duplicate_alerts_total{mode="live"}[24h]))'),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Exceptions per transition",
                    "Alerts of any kind for each lifecycle transition of the last day.",
                    (
                        Query(
                            _share(
                                'increase(payments_alerts_total{mode="live"}[24h])',
                                'increase(payments_transitions_total{mode="live"}[24h])',
                            )
                        ),
                    ),
                    unit="percentunit",
                    width=4,
                    height=5,
                    number=True,
                ),
            ),
        ),
        Row(
            "Flow",
            (
                Panel(
                    "Open payments by status",
                    "Where the open payments stand.",
                    (Query(f"sum by (status) ({_OWNED})", "{{status}}"),),
                    width=12,
                ),
                Panel(
                    "Transitions by status reached",
                    "Lifecycle steps a second.",
                    (Query('sum by (to_status) (rate(payments_transitions_total{mode="live"}[1m]))', "{{to_status}}"),),
                    unit="ops",
                    width=12,
                ),
                Panel(
                    "Open payments by bank and rail",
                    "Which bank holds them.",
                    (Query(f"sum by (bank, rail) ({_OWNED})", "{{bank}} {{rail}}"),),
                    width=12,
                ),
                Panel(
                    "Alerts by kind",
                    "Rejections, returns, conflicts, mismatches and the like an hour.",
                    (Query('sum by (kind) (increase(payments_alerts_total{mode="live"}[1h]))', "{{kind}}"),),
                    width=12,
                ),
            ),
        ),
        Row(
            "How long it takes",
            (
                Panel(
                    "Bank acknowledgement, p95",
                    "From submission to the bank's first acknowledgement, by their clocks; exact times only.",
                    (
                        Query(
                            "histogram_quantile(0.95, sum by (le, bank, rail) "
                            '(rate(payments_bank_ack_latency_seconds_bucket{mode="live"}[1h])))',
                            "{{bank}} {{rail}}",
                        ),
                    ),
                    unit="s",
                ),
                Panel(
                    "Approval, p95",
                    "From the request for approval to full approval.",
                    (
                        Query(
                            "histogram_quantile(0.95, sum by (le, region) "
                            "(rate(payments_approval_duration_seconds_bucket[1h])))",
                            "{{region}}",
                        ),
                    ),
                    unit="s",
                ),
                Panel(
                    "Cycle time, p95",
                    "From the first thing known of a payment to its booked debit.",
                    (
                        Query(
                            "histogram_quantile(0.95, sum by (le, region) "
                            "(rate(payments_cycle_time_seconds_bucket[1h])))",
                            "{{region}}",
                        ),
                    ),
                    unit="s",
                ),
                Panel(
                    "Reconciliation, p95",
                    "From booking to match.",
                    (
                        Query(
                            "histogram_quantile(0.95, sum by (le, region) "
                            "(rate(payments_reconciliation_duration_seconds_bucket[1h])))",
                            "{{region}}",
                        ),
                    ),
                    unit="s",
                ),
                Panel(
                    "Duplicates by rule",
                    "Duplicate-payment alerts opened an hour, by each rule that they list.",
                    (
                        Query(
                            'sum by (rule, severity) (increase(payments_duplicate_alerts_total{mode="live"}[1h]))',
                            "{{rule}} {{severity}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
