"""The catalogue is what is exported: every family, every label, every class."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from streams.metric_catalogue import CATALOGUE, LABELS, REASON_CLASSES, Kind
from streams.metrics import PipelineMetrics
from tests.domain.given import (
    NOON_US,
    ack,
    approval,
    booking,
    reconciliation,
    release,
    submission,
)
from tests.observed import Worker, labelled


def everything_moved() -> PipelineMetrics:
    """A worker of which every family of the catalogue has a sample."""
    worker = Worker().own()
    worker.fold(
        approval("q", at=0, decision=approval("q").decision.REQUESTED),
        approval("a", at=5),
        release("r"),
        submission("s"),
        ack("k", "ACCP"),
        booking("b"),
        reconciliation("m"),
    )
    worker.payment = None
    worker.fold(release("r2"), submission("s2")).clock(999)
    metrics = worker.metrics
    metrics.unit_committed(0.1, 0.05, 3)
    metrics.unit_aborted("a rebalance")
    metrics.agent_folded("lifecycle", 0.01, 3)
    metrics.dead_letter("payments.releases.v1", "a class that nobody declared")
    metrics.rebalanced(4, 0, 0)
    metrics.recovery(1, "payments", 5)
    metrics.recovered(2, 0.5, 10)
    metrics.progress("payments.releases.v1", 0, 5, NOON_US)
    metrics.proved(NOON_US)
    return metrics


def family_names(names: Iterable[str]) -> set[str]:
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def test_what_is_exported_is_the_catalogue() -> None:
    exported = {name for name, _ in labelled(everything_moved().registry) if name.startswith("payments_")}
    assert family_names(exported) == {metric.name for metric in CATALOGUE}


def test_every_sample_has_the_labels_of_the_catalogue() -> None:
    expected = {metric.name: set(metric.labels) for metric in CATALOGUE}
    for name, labels in labelled(everything_moved().registry):
        if name.startswith("payments_"):
            (family,) = family_names([name])
            assert set(labels) - {"le"} == expected[family], name


def test_an_undeclared_class_of_dead_letters_is_other() -> None:
    value = everything_moved().registry.get_sample_value(
        "payments_dlq_records_total", {"topic": "payments.releases.v1", "reason_class": "other"}
    )
    assert value == 1


def test_no_creation_times_are_exported() -> None:
    registry = everything_moved().registry
    texts: list[bytes] = [
        generate_latest(registry),
        generate_openmetrics(registry),  # type: ignore[no-untyped-call]  # prometheus_client left it untyped
    ]
    ours = [line for text in texts for line in text.decode().splitlines() if line.startswith("payments_")]
    assert ours
    assert not [line for line in ours if "_created" in line]


def test_the_catalogue_names_follow_prometheus() -> None:
    for metric in CATALOGUE:
        assert metric.name.startswith("payments_")
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")
        assert set(metric.labels) <= set(LABELS)
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def reason_classes(path: Path) -> Iterator[str]:
    """The classes that a module gives to BadRecord(message, "class") or reason_class="class"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            is_bad_record = isinstance(node.func, ast.Name) and node.func.id == "BadRecord"
            said = [keyword.value for keyword in node.keywords if keyword.arg == "reason_class"]
            said += node.args[1:2] if is_bad_record else []
            yield from (str(value.value) for value in said if isinstance(value, ast.Constant))


def test_every_reason_class_in_the_code_is_declared() -> None:
    root = Path(__file__).resolve().parent.parent / "streams"
    found = {name for path in root.rglob("*.py") for name in reason_classes(path)}
    assert {"oversized", "null_key", "wrong_key"} <= found
    assert found <= set(REASON_CLASSES)
