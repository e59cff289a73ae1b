"""A replay on a real broker beside the live generation: the real samples and a simulated company, twice the same.

One installation, in the order of an operator's day: replay, kill, compare, switch, roll back; another policy, another
bank profile, another topology; drop; a part of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.intake.reading import Request
from schemas.codec import codec
from schemas.names import topic_name
from streams.agents.payment_rows import internal_of, kept_of
from streams.domain.facts import BankAck, Level, PaymentFact, Verdict
from streams.domain.kept import Kept
from streams.domain.payment import Context, Envelope, as_state, payment_of
from streams.domain.policy import Policy, ReconciliationMode
from streams.domain.state import Alert, Mode, State, Transition
from streams.domain.statuses import Status
from streams.generations import known
from streams.replay.difference import core
from streams.replay.points import RAW, SharedTopics, point
from streams.verify.cluster import verify_cluster
from streams.verify.read import Row
from tests.connectors.files import profile_name
from tests.pipeline.compared import every_file
from tests.pipeline.installation import Installation, installed

from .earlier_release import LATER
from .side_by_side import (
    ALERTS,
    COMMANDS,
    SLOW,
    STATE,
    TRANSITIONS,
    Worker,
    compared,
    newest,
    pointed,
    rows,
    standing,
    told,
    until,
    working,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

POLICY = {"PAYSTATE_POLICY__RECONCILIATION": "both"}
EARLIER = (sys.executable, "-m", "tests.replay.earlier_release")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Every sample and a company, taken in by the first generation, whose worker goes on."""
    with installed(tmp_path_factory.mktemp("live")) as installation, working(installation, 1):
        with installation.intake() as intake:
            for path in every_file():
                intake.ingest(path, Request(profile=profile_name(path)))
        told(installation, "simulate", "--payments", "100", "--seed", "3")
        installation.rest()
        yield installation


@pytest.fixture(scope="module")
def before(live: Installation) -> Mapping[str, list[Row]]:
    """What the live generation had written before anything was replayed."""
    return {contract: live.rows(contract) for contract in (STATE, TRANSITIONS, ALERTS, COMMANDS)}


@pytest.fixture(scope="module")
def second(live: Installation, before: Mapping[str, list[Row]]) -> Iterator[Worker]:
    """A replay from the beginning; its first worker is killed in the middle, the next one ends it and goes on."""
    assert before[STATE]
    told(live, "replay", "start", "--reason", "to compare", "--actor", "tester")
    killed = Worker(live, 2, **SLOW)
    until(lambda: standing(live, 2).replayed > 0)
    killed.end(kill=True)
    left = standing(live, 2)
    assert 0 < left.replayed < left.total, "killed too late to prove anything"
    shown = json.loads(told(live, "replay", "status", "--json"))["standings"]["2"]
    assert (shown["phase"], shown["replayed"], shown["eta_s"]) == ("replaying", left.replayed, None)
    with working(live, 2) as worker:
        until(lambda: standing(live, 2).phase == "live")
        yield worker


def test_a_replay_that_was_killed_ends_with_nothing_lost_or_repeated(live: Installation, second: Worker) -> None:
    report = verify_cluster(live.client, live.settings.model_copy(update={"generation": 2}))
    assert (report.findings, report.ok) == ([], True)
    assert report.payments > 100


def test_a_replay_says_of_every_payment_and_alert_what_the_live_generation_says(
    live: Installation, second: Worker
) -> None:
    found = compared(live, 2, status=0)
    ours, theirs = newest(live, 1), newest(live, 2)
    assert found["payments"]["same"] == len(ours) == len(theirs)
    assert {name: core(state) for name, state in ours.items()} == {name: core(state) for name, state in theirs.items()}
    assert found["alerts"]["same"] > 10
    assert found["pairs"]["same"] > 0


def test_the_live_generation_is_not_touched(
    live: Installation, before: Mapping[str, list[Row]], second: Worker
) -> None:
    assert {contract: live.rows(contract) for contract in before} == before


def test_what_is_replayed_says_so_and_what_comes_later_is_live(live: Installation, second: Worker) -> None:
    steps = [codec(TRANSITIONS, Transition).decode(row.value or b"") for row in rows(live, TRANSITIONS, 2)]
    alerts = [codec(ALERTS, Alert).decode(row.value or b"") for row in rows(live, ALERTS, 2)]
    assert {step.mode for step in steps} == {alert.mode for alert in alerts} == {Mode.REPLAY}
    told(live, "simulate", "--payments", "5", "--seed", "77")
    until(lambda: standing(live, 2).behind == 0)
    known_ids = {step.transition_id for step in steps}
    now = [codec(TRANSITIONS, Transition).decode(row.value or b"") for row in rows(live, TRANSITIONS, 2)]
    assert {step.mode for step in now if step.transition_id not in known_ids} == {Mode.LIVE}
    compared(live, 2, status=0)


def test_consumers_are_switched_and_back_and_the_history_says_by_whom(live: Installation, second: Worker) -> None:
    payment = next(iter(newest(live, 1)))
    told(live, "replay", "switch", "2", "--reason", "they agree", "--actor", "tester")
    assert (pointed(live).current, pointed(live).previous) == (2, 1)
    shown = json.loads(told(live, "show", payment, "--json"))["payments"][0]["state"]
    line = json.loads(told(live, "tail", "state", "--json", "--from-beginning", "--limit", "1"))
    assert shown["generation"] == line["generation"] == 2
    assert "nothing lost" in told(live, "verify", "--wait")
    told(live, "replay", "rollback", "--reason", "a consumer was not ready", "--actor", "tester")
    assert json.loads(told(live, "show", payment, "--json"))["payments"][0]["state"]["generation"] == 1
    steps = [(step.action.value, step.generation, step.actor, step.reason) for step in pointed(live).history]
    assert steps == [
        ("START", 2, "tester", "to compare"),
        ("SWITCH", 2, "tester", "they agree"),
        ("ROLLBACK", 1, "tester", "a consumer was not ready"),
    ]


def test_under_another_policy_exactly_the_payments_that_it_judges_otherwise_differ(
    live: Installation, second: Worker
) -> None:
    told(live, "replay", "start", "--reason", "what if the ERP must close it too")
    with working(live, 3, **POLICY):
        until(lambda: standing(live, 3).phase == "live")
        found = compared(live, 3, status=1)
    expected = {name for name, state in newest(live, 1).items() if judged_anew(state) != core(state)}
    assert set(found["payments"]["different"]) == expected
    assert 0 < len(expected) < found["payments"]["same"]
    (first, *_) = found["differs"]
    assert "status" in {row["field"] for row in first["fields"]} or first["fields"]
    assert (first["facts_only_live"], first["facts_only_new"]) == ([], [])


def judged_anew(state: State) -> State:
    """The payment as the other policy has it, from the same facts."""
    return derived_anew(state, Policy(reconciliation=ReconciliationMode.BOTH))


def derived_anew(state: State, policy: Policy, kept: Sequence[Kept] | None = None) -> State:
    """The payment from its facts, or from those ``kept``."""
    overflowed, known_facts, marks = kept_of(state.internal)
    kept = tuple(known_facts if kept is None else kept)
    envelope = Envelope(version=0, seq=0, last_transition_id=None, updated_at=0, generation=1)
    payment = payment_of(state.correlation_id, kept, envelope, Context(policy=policy), overflowed, marks)
    return core(as_state(payment, internal_of(payment)))


def test_a_generation_with_more_partitions_says_the_same_after_a_kill_too(live: Installation, second: Worker) -> None:
    """Raw has two partitions, the derived topics of this generation have three."""
    told(live, "replay", "start", "--partitions", "3", "--reason", "room to grow")
    killed = Worker(live, 4, **SLOW)
    until(lambda: standing(live, 4).replayed > 0)
    killed.end(kill=True)
    assert standing(live, 4).phase == "replaying"
    with working(live, 4), working(live, 4):
        until(lambda: standing(live, 4).phase == "live")
        found = compared(live, 4, status=0)
    settings = live.settings.model_copy(update={"generation": 4, "partitions": 3})
    report = verify_cluster(live.client, settings)
    assert (report.findings, report.ok) == ([], True)
    assert report.store_rows > 0
    assert {row.partition for row in rows(live, STATE, 4)} == {0, 1, 2}
    assert found["payments"]["same"] == len(newest(live, 4))


def test_under_another_bank_profile_exactly_the_payments_that_it_maps_otherwise_differ(
    live: Installation, tmp_path: Path
) -> None:
    """As a person reads it: payment by payment, field by field, and nothing else."""
    profile = "description: A bank whose ACTC of a batch means more.\nstatuses: {'BATCH:ACTC': BANK_ACCEPTED}\n"
    (tmp_path / "default.yaml").write_text(profile, encoding="utf-8")
    number = started(live, "the bank has told what its ACTC means")
    with working(live, number, PAYSTATE_PROFILES_DIR=str(tmp_path)):
        await_live(live, number)
        lines = told(live, "replay", "compare", str(number), status=1).splitlines()
    ours = newest(live, 1)
    meant = {name: with_actc(state, Status.BANK_ACCEPTED) for name, state in ours.items()}
    assert {name: core(state) for name, state in newest(live, number).items()} == meant
    shown = [line for line in lines if line.startswith(("PAY-", "alert ", "pair "))]
    assert shown == [
        "PAY-2020-0210: IN_PROCESS -> IN_PROCESS",  # what its transaction is called outweighs its batch
        "PAY-2020-0211: BANK_RECEIVED -> BANK_ACCEPTED",
        "PAY-2020-0212: BANK_RECEIVED -> BANK_ACCEPTED",
    ]
    assert "    status: BANK_RECEIVED -> BANK_ACCEPTED" in lines[lines.index(shown[1]) : lines.index(shown[2])]
    assert f"generation {number} differs from generation 1" in lines


def test_another_input_topic_is_a_new_generation(live: Installation) -> None:
    """A generation of a release that did not read the verdicts is in force; this release does."""
    old = started(live, "as the earlier release has it")
    with working(live, old, EARLIER):
        await_live(live, old)
        told(live, "replay", "switch", str(old), "--reason", "the earlier release is in force")
        refused = live.run("worker", environment={**live.environment, "PAYSTATE_GENERATION": str(old)})
        said = " ".join(refused.stderr.split())
        assert refused.returncode == 78, said
        assert f"generation {old} has other input topics than this paystate" in said
        assert f"which reads {topic_name(LATER, old)} too" in said
        assert "`paystate replay start` with this release makes it" in said
        new = started(live, "reads the verdicts")
        with working(live, new):
            await_live(live, new)
            found = compared(live, new, status=1)
            told(live, "replay", "switch", str(new), "--reason", "differs where verdicts speak")
        told(live, "replay", "switch", "1", "--reason", "as it was")
    ours = newest(live, new)
    expected = {name for name, state in ours.items() if without_verdicts(state) != core(state)}
    assert set(found["payments"]["different"]) == expected
    assert expected
    assert [found["payments"][name] for name in ("only_live", "only_new")] == [[], []]
    assert {name: core(state) for name, state in ours.items()} == {
        name: core(state) for name, state in newest(live, 1).items()
    }


def await_live(installation: Installation, generation: int) -> None:
    until(lambda: standing(installation, generation).phase == "live")


def started(installation: Installation, reason: str, *arguments: str) -> int:
    """The number of a new generation."""
    number: int = json.loads(told(installation, "replay", "start", "--reason", reason, "--json", *arguments))[
        "generation"
    ]
    return number


def oldest_us(state: State) -> int:
    """When the first of its facts was received."""
    return min(row.fact.received_at for row in kept_of(state.internal)[1])


def with_actc(state: State, milestone: Status) -> State:
    """The payment as it is if a bank's word ACTC of a batch means ``milestone``."""

    def mapped(fact: PaymentFact) -> PaymentFact:
        if isinstance(fact, BankAck) and (fact.level, fact.bank_status) == (Level.BATCH, "ACTC"):
            return replace(fact, milestone=milestone)
        return fact

    kept = kept_of(state.internal)[1]
    return derived_anew(state, Policy(), [replace(row, fact=mapped(row.fact)) for row in kept])


def without_verdicts(state: State) -> State:
    """The payment as a release has it that does not read them."""
    kept = kept_of(state.internal)[1]
    return derived_anew(state, Policy(), [row for row in kept if not isinstance(row.fact, Verdict)])


def test_a_generation_that_nobody_follows_can_be_dropped(live: Installation, second: Worker) -> None:
    assert "workers of generation 2 run" in told(live, "replay", "drop", "2", "--reason", "no use", status=1)
    assert "is in force" in told(live, "replay", "drop", "1", "--reason", "no use", status=1)
    told(live, "replay", "drop", "3", "--reason", "looked at")
    topics = AdminClient(live.client).list_topics(timeout=30).topics
    assert topic_name(STATE, 3) not in topics
    assert {STATE, COMMANDS, topic_name(STATE, 2)} <= set(topics)
    assert known(pointed(live), 3) is None


def test_a_replay_that_would_cut_open_payments_is_refused(live: Installation, second: Worker) -> None:
    """The oldest records of raw are deleted, as retention would."""
    client = AdminClient(live.client)
    place = TopicPartition("payments.raw.v1", 0, 400)
    client.delete_records([place])[place].result(30)
    said = told(live, "replay", "start", "--reason", "too late", status=1)
    assert "would cut" in said
    assert "open payments, whose facts begin earlier" in said
    told(live, "replay", "start", "--reason", "a look", "--partial")
    partial = pointed(live).generations[-1]
    assert partial.partial
    said = told(live, "replay", "switch", str(partial.generation), "--reason", "no", status=1)
    assert "can be compared, not followed" in said


def test_a_replay_from_a_time_or_offsets_has_what_came_from_there_on_and_nothing_else(live: Installation) -> None:
    """Open payments are older, so it is for a look only; those that came later are the same."""
    shared = SharedTopics(live.client)
    marks = shared.marks(point("beginning"))[1]
    offsets = {mark.partition: mark.end for mark in marks if mark.topic == RAW}
    begin_ms = shared.newest_ms() + 1
    moment = datetime.fromtimestamp(begin_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    told(live, "simulate", "--payments", "4", "--seed", "78")
    live.rest()
    from_time = started(live, "since then", "--from", moment, "--partial")
    from_offsets = started(
        live, "from there", "--from", ",".join(f"{part}={end}" for part, end in offsets.items()), "--partial"
    )
    for number in (from_time, from_offsets):
        declared = known(pointed(live), number)
        assert declared is not None
        assert {mark.partition: mark.begin for mark in declared.marks if mark.topic == RAW} == offsets
    since = {name for name, state in newest(live, 1).items() if oldest_us(state) >= begin_ms * 1_000}
    assert len(since) >= 4
    with working(live, from_time), working(live, from_offsets):
        for number in (from_time, from_offsets):
            await_live(live, number)
            found = compared(live, number, status=1)
            assert newest(live, number).keys() == since
            assert (found["payments"]["different"], found["payments"]["only_new"]) == ([], [])
            assert set(found["payments"]["only_live"]) == newest(live, 1).keys() - since
