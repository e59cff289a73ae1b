"""Whether the run was right: what the pipeline published against the truth, and what an independent reading says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streams.domain.fingerprints import DuplicateState
from streams.domain.state import State
from streams.domain.statuses import Status
from streams.lookup.log import CommittedLog
from streams.simulator.truth import Difference, DuplicateScore, Truth, differences, score_duplicates, statuses
from streams.topics import Topics
from streams.verify.report import Finding, Report

EXAMPLES: Final = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the pipeline published in the end: every payment's state, every pair with an open alert."""

    states: Mapping[str, State]
    pairs: frozenset[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Course:
    """How the run went. Latency is from received on payments.raw.v1 to visible for a consumer of the transitions."""

    p50_ms: float
    p99_ms: float
    events_per_s: float
    elapsed_s: float
    killed: int
    restarts: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many were expected and how many were found."""

    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        """Whether they are as many."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole judgement. ``wrong_state`` adds the verifier's findings to the payments that the truth contradicts."""

    payments: Count
    statuses: Mapping[str, Count]
    transitions: int
    inputs: int
    lost: int
    repeated: int
    reordered: int
    wrong_state: int
    store_mismatch: int
    stores: int
    lag: int
    duplicates: DuplicateScore
    dead_letters: Count
    waiting: Count
    course: Course
    differences: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Nothing lost, repeated, reordered or wrong; every duplicate payment found and no other; nothing left over."""
        faults = self.lost + self.repeated + self.reordered + self.wrong_state + self.store_mismatch + self.lag
        counts = (self.payments, self.dead_letters, self.waiting)
        score = self.duplicates
        return faults == score.missed == score.false == 0 and all(count.agrees for count in counts)

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        course, score = self.course, self.duplicates
        return {
            "ok": self.ok,
            "payments": self.payments.found,
            "statuses": {name: count.found for name, count in self.statuses.items() if count.found},
            "transitions": self.transitions,
            "lost": self.lost,
            "repeated": self.repeated,
            "reordered": self.reordered,
            "wrong_state": self.wrong_state,
            "store_mismatch": self.store_mismatch,
            "duplicates": {"found": score.found, "missed": score.missed, "false": score.false},
            "latency": {"p50_ms": round(course.p50_ms, 1), "p99_ms": round(course.p99_ms, 1)},
            "events_per_s": round(course.events_per_s, 1),
            "inputs": self.inputs,
            "expected": {
                "payments": self.payments.expected,
                "statuses": {name: count.expected for name, count in self.statuses.items() if count.expected},
                "dead_letters": self.dead_letters.expected,
                "waiting": self.waiting.expected,
            },
            "dead_letters": self.dead_letters.found,
            "waiting": self.waiting.found,
            "stores": self.stores,
            "killed": course.killed,
            "restarts": course.restarts,
            "elapsed_s": round(course.elapsed_s, 1),
            "differences": [
                {"payment": row.correlation_id, "what": row.what, "expected": row.expected, "found": row.found}
                for row in self.differences
            ],
            "findings": [
                {"check": row.check, "subject": row.subject, "expected": row.expected, "found": row.found}
                for row in self.findings
            ],
        }


def outcome(log: CommittedLog, topics: Topics) -> Outcome:
    """Read it, open transactions awaited. Raises ReadError, KafkaException, CodecError."""
    pairs = [topics.duplicate_alerts.decode(value) for value in _newest(log, topics.duplicate_alerts.kafka_name)]
    states = [topics.state.decode(value) for value in _newest(log, topics.state.kafka_name)]
    return Outcome(
        {state.correlation_id: state for state in states},
        frozenset(
            frozenset({pair.first.correlation_id, pair.second.correlation_id})
            for pair in pairs
            if pair.state is DuplicateState.OPEN
        ),
    )


def _newest(log: CommittedLog, topic: str) -> Iterable[bytes]:
    newest: dict[bytes | None, bytes | None] = {}
    for record in log.read(log.places(topic), settled=True):
        newest[record.key] = record.value
    return (value for value in newest.values() if value is not None)


def judge(truth: Truth, found: Outcome, report: Report, course: Course) -> Summary:
    """Pure."""
    contradicted = differences(truth, found.states)
    return Summary(
        payments=Count(len(truth.payments), len(found.states)),
        statuses=_statuses(truth, found),
        transitions=report.transitions,
        inputs=report.inputs,
        lost=report.lost,
        repeated=report.repeated,
        reordered=report.reordered,
        wrong_state=report.wrong_state + len({row.correlation_id for row in contradicted}),
        store_mismatch=report.store_mismatch,
        stores=report.stores,
        lag=report.lag,
        duplicates=score_duplicates(truth, found.pairs),
        dead_letters=Count(truth.dead_letters, report.dead_letters),
        waiting=Count(truth.waiting, report.waiting),
        course=course,
        differences=tuple(contradicted[:EXAMPLES]),
        findings=tuple(report.findings),
    )


def _statuses(truth: Truth, found: Outcome) -> dict[str, Count]:
    expected = Counter(row.status.value for row in truth.payments.values())
    counted = statuses(found.states.values())
    names = (status.value for status in Status)
    return {name: Count(expected[name], counted.get(name, 0)) for name in names if expected[name] or name in counted}
