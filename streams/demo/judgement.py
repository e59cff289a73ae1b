"""Whether the run was right: what the pipeline published against the truth, and what an independent reading says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.codec import CodecError
from streams.domain.fingerprints import DuplicateState
from streams.domain.policy import Policy
from streams.domain.state import State
from streams.domain.statuses import Flag, Status
from streams.lookup.log import CommittedLog
from streams.score import Score, score
from streams.simulator.company import BANKS, Channel
from streams.simulator.punctuality import Punctuality, unanswered
from streams.simulator.truth import Difference, Truth, differences, statuses, with_overdue
from streams.topics import Topics
from streams.verify.report import Finding, Report

EXAMPLES: Final = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the pipeline published in the end: every payment's state, every pair with an open alert.

    ``heard``: what the inputs themselves say of who answered in time.
    """

    states: Mapping[str, State]
    pairs: frozenset[frozenset[str]]
    heard: Punctuality

    @property
    def late(self) -> frozenset[str]:
        """Payments that the pipeline calls overdue, or answered late."""
        return frozenset(name for name, state in self.states.items() if is_late(state))


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
    duplicates: Score
    late: Score
    orphans: Score
    dead_letters: Count
    waiting: Count
    course: Course
    differences: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Nothing lost, repeated, reordered, wrong or left over; what is double, late or missing found, and no more."""
        faults = self.lost + self.repeated + self.reordered + self.wrong_state + self.store_mismatch + self.lag
        counts = (self.payments, self.dead_letters, self.waiting)
        scores = (self.duplicates, self.late, self.orphans)
        return faults == 0 and all(row.perfect for row in scores) and all(count.agrees for count in counts)

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        course = self.course
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
            "duplicates": self.duplicates.as_json(),
            "late": self.late.as_json(),
            "orphans": self.orphans.as_json(),
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


def outcome(log: CommittedLog, topics: Topics, policy: Policy) -> Outcome:
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
        _heard(log, topics, policy),
    )


def _heard(log: CommittedLog, topics: Topics, policy: Policy) -> Punctuality:
    by_callback = (bank.name for bank in BANKS if bank.channel is Channel.CALLBACK)
    heard = Punctuality({name: policy.acknowledgement_within_us(name) for name in by_callback})
    for record in log.read(log.places(topics.raw.kafka_name), settled=True):
        if record.value is not None:
            try:
                raw = topics.raw.decode(record.value)
            except CodecError:
                continue  # nobody's word: the pipeline keeps it as a dead letter, and the truth counts those
            heard.note(raw, record.timestamp_us)
    return heard


def is_late(state: State) -> bool:
    """Whether a submission of the payment waits for an answer beyond its time, or waited."""
    overdue = any(raised.name is Flag.OVERDUE for raised in state.flags)
    return overdue or any(milestone.late_by_us is not None for milestone in state.milestones)


def _newest(log: CommittedLog, topic: str) -> Iterable[bytes]:
    newest: dict[bytes | None, bytes | None] = {}
    for record in log.read(log.places(topic), settled=True):
        newest[record.key] = record.value
    return (value for value in newest.values() if value is not None)


def judge(truth: Truth, found: Outcome, report: Report, course: Course) -> Summary:
    """Pure."""
    silences = list(found.heard.silences(report.proved_at))
    contradicted = differences(with_overdue(truth, unanswered(silences)), found.states)
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
        duplicates=score(truth.duplicates, found.pairs),
        late=score({row.payment for row in silences}, found.late),
        orphans=report.orphans,
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
