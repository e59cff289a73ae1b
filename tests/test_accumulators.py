"""What is added up is what Prometheus reads; labels have a bound."""

from __future__ import annotations

from streams.accumulators import MOST_LEARNT, ClosedSet
from tests.observed import Worker


def test_learnt_labels_end_at_their_bound() -> None:
    learnt = ClosedSet()
    assert learnt(None) == learnt("") == "unknown"
    assert [learnt(f"bank {n}") for n in range(MOST_LEARNT)] == [f"bank {n}" for n in range(MOST_LEARNT)]
    assert learnt("one more") == "other"
    assert learnt("bank 3") == "bank 3"


def test_buckets_are_cumulative_and_their_bounds_belong_to_them() -> None:
    worker = Worker()
    for seconds in (0.001, 0.002, 99.0):
        worker.metrics.unit_committed(0.0, seconds, 3)
    buckets = {
        bound: worker.value("payments_commit_duration_seconds_bucket", le=bound)
        for bound in ("0.001", "0.0025", "+Inf")
    }
    assert buckets == {"0.001": 1, "0.0025": 2, "+Inf": 3}
    assert worker.value("payments_commit_duration_seconds_count") == 3
