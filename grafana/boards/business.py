"""Where the money is: for finance. Technical health is on the other board."""

from __future__ import annotations

from typing import Final

from grafana.boards.panels import Board, Panel, Query, Row

#: Of two workers that claim a partition the newer owner is right: `and` keeps the counts, drops a zombie's.
_OWNERS: Final = (
    "(payments_partition_owner_generation == on (partition) group_left () "
    "max by (partition) (payments_partition_owner_generation))"
)


def _owned(gauge: str) -> str:
    return f"({gauge} and on (instance, partition) {_OWNERS})"


_OPEN: Final = _owned("payments_open")
_OLDEST: Final = _owned("payments_oldest_open_timestamp_seconds")
_STALE: Final = (
    "max((time() - max by (topic, partition) (payments_watermark_timestamp_seconds)) "
    "and on (topic, partition) (max by (topic, partition) (payments_consumer_lag_records) > 0)) or vector(0)"
)
_STALE_ABOVE_S: Final = 120.0


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
                    "Age of what this board shows: how old the newest record folded is, where records wait behind it; "
                    "0: everything is folded. Above 2 minutes (red) the board is STALE: do not act on it.",
                    (Query(_STALE),),
                    unit="s",
                    red_above=_STALE_ABOVE_S,
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Open payments",
                    "Payments that are not closed: neither reconciled nor rejected, returned, cancelled or "
                    "voided. Each is counted once, by the newest owner of its partition.",
                    (Query(f"sum({_OPEN})"),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Rejected in 24 h",
                    "Payments that reached REJECTED in the last day; one that is repaired and rejected again "
                    "counts twice.",
                    (Query('sum(increase(payments_transitions_total{to_status="REJECTED",mode="live"}[24h]))'),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Returned in 24 h",
                    "Payments that reached RETURNED in the last day: settled, then sent back by the creditor's bank.",
                    (Query('sum(increase(payments_transitions_total{to_status="RETURNED",mode="live"}[24h]))'),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Duplicate alerts in 24 h",
                    "Pairs of payments that pay the same thing, opened in the last day. A pair that several "
                    "rules find counts for each of them.",
                    (Query('sum(increase(payments_duplicate_alerts_total{mode="live"}[24h]))'),),
                    width=4,
                    height=5,
                    number=True,
                ),
                Panel(
                    "Exceptions per transition",
                    "Alerts of any kind (but duplicates) for each lifecycle step of the last day: how much of "
                    "the flow needs a person.",
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
                    "Where the open payments stand now. A status that only grows is a bottleneck.",
                    (Query(f"sum by (status) ({_OPEN})", "{{status}}"),),
                    width=12,
                ),
                Panel(
                    "Transitions by status reached",
                    "Steps into each status, a second: the flow through the lifecycle, corrections and reopenings too.",
                    (Query('sum by (to_status) (rate(payments_transitions_total{mode="live"}[1m]))', "{{to_status}}"),),
                    unit="ops",
                    width=12,
                ),
                Panel(
                    "Oldest open payment by status",
                    "Time since the first milestone of the oldest payment in each status, to the hour.",
                    (Query(f"time() - min by (status) ({_OLDEST})", "{{status}}"),),
                    unit="s",
                    width=12,
                ),
                Panel(
                    "Open payments by bank and rail",
                    "Which bank the open payments are with, or are meant for.",
                    (Query(f"sum by (bank, rail) ({_OPEN})", "{{bank}} {{rail}}"),),
                    width=12,
                ),
                Panel(
                    "Alerts by kind",
                    "Rejections, returns, conflicts, mismatches and the like opened an hour. Details are on "
                    "payments.alerts.v1: `paystate tail alerts`.",
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
                    "From submission to the bank's first word (a status report, or the booking where it sends "
                    "none), by their clocks, exact times only; each payment once.",
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
                    "First word in time, by bank",
                    "Submissions of the last day that the bank answered within its time, of those that it answered or "
                    "whose time has passed. Times are PAYSTATE_POLICY__ACKNOWLEDGEMENT_WITHIN_S and _BY_BANK.",
                    (
                        Query(
                            'sum by (bank, rail) (increase(payments_ack_sla_total{outcome="met",mode="live"}[24h])) / '
                            'sum by (bank, rail) (increase(payments_ack_sla_total{mode="live"}[24h]))',
                            "{{bank}} {{rail}}",
                        ),
                    ),
                    unit="percentunit",
                ),
                Panel(
                    "Approval, p95",
                    "From the request for approval to full approval, by their clocks, exact times only.",
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
                    "From the first milestone of a payment to its booked debit, by their clocks; bookings that "
                    "carry only a date are left out.",
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
                    "From the booked debit to the match or the closing in the ERP, by their clocks, exact times only.",
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
