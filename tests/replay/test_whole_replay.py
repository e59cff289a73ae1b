"""A replay on a real broker beside the live generation: the real samples and a simulated company, twice the same.

One installation, in the order of an operator's day: replay, kill, compare, switch, roll back; another policy; drop.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.intake.reading import Request
from schemas.codec import codec
from schemas.names import topic_name
from schemas.records import Generations
from streams.agents.payment_rows import internal_of, kept_of
from streams.domain.payment import Context, Envelope, as_state, payment_of
from streams.domain.policy import Policy, ReconciliationMode
from streams.domain.state import Alert, Mode, State, Transition
from streams.generations import known
from streams.replay.difference import core
from streams.replay.progress import Follower, Standing
from streams.verify.cluster import verify_cluster
from streams.verify.read import KafkaLog, Row
from tests.connectors.files import profile_name
from tests.pipeline.compared import every_file
from tests.pipeline.installation import Installation, installed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

STATE, TRANSITIONS, ALERTS, COMMANDS = (
    "payments.state.v1",
    "payments.transitions.v1",
    "payments.alerts.v1",
    "payments.commands.v1",
)
POLICY = {"PAYSTATE_POLICY__RECONCILIATION": "both"}
SLOW = {"PAYSTATE_ENGINE__UNIT_MAX_RECORDS": "20", "PAYSTATE_ENGINE__UNIT_INTERVAL_MS": "200"}


class Worker:
    """A worker of one generation, in a process of its own."""

    def __init__(self, installation: Installation, generation: int, **settings: str) -> None:
        self.installation = installation
        self.log = installation.folder / f"worker-{generation}.log"
        environment = {**installation.environment, "PAYSTATE_GENERATION": str(generation), **settings}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*installation.command("worker")], env=environment, stdout=output, stderr=output
            )

    def end(self, *, kill: bool = False) -> None:
        """SIGTERM, or kill -9."""
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
        self.process.wait(60)


@contextmanager
def working(installation: Installation, generation: int, **settings: str) -> Iterator[Worker]:
    worker = Worker(installation, generation, **settings)
    try:
        yield worker
    finally:
        worker.end()


def told(installation: Installation, *arguments: str, status: int = 0) -> str:
    """What a command says; it must end with ``status``."""
    done = installation.run(*arguments)
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"
    return done.stdout + done.stderr


def standing(installation: Installation, generation: int) -> Standing:
    settings = installation.settings.model_copy(update={"generation": generation})
    with Follower(installation.client, settings) as follower:
        return follower.look(known(pointed(installation), generation))


def compared(installation: Installation, generation: int, status: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        told(installation, "replay", "compare", str(generation), "--json", status=status)
    )
    return found


def rows(installation: Installation, contract: str, generation: int) -> list[Row]:
    with KafkaLog(installation.client, generation, [contract]) as log:
        return list(log.rows(contract))


def newest(installation: Installation, generation: int) -> dict[str, State]:
    decode = codec(STATE, State).decode
    found = {row.key.decode(): row.value for row in rows(installation, STATE, generation) if row.key is not None}
    return {name: decode(value) for name, value in found.items() if value is not None}


def pointed(installation: Installation) -> Generations:
    """What a consumer reads to know which topics to follow (docs/consuming.md)."""
    return installation.values("payments.generations.v1", Generations)[-1]


def until(condition: Callable[[], bool], within_s: float = 90) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


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
    overflowed, kept, marks = kept_of(state.internal)
    policy = Policy(reconciliation=ReconciliationMode.BOTH)
    envelope = Envelope(version=0, seq=0, last_transition_id=None, updated_at=0, generation=1)
    payment = payment_of(state.correlation_id, kept, envelope, Context(policy=policy), overflowed, marks)
    return core(replace(as_state(payment, internal_of(payment))))


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
