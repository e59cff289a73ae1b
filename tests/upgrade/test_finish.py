"""Whoever looks and decides leaves no gap through which a worker of an earlier release could slip."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic
from typer.testing import CliRunner

from connectors.intake.publish import FencedError
from schemas.names import generation_suffix, topic_name
from schemas.records import Upgrade, UpgradeStep
from streams.cli.main import build
from streams.engine.errors import ConfigurationError
from streams.forms import FORMS, Forms, Writing
from streams.upgrade.decisions import TOPIC, Decider, Decisions
from streams.upgrade.finish import UpgradeRefusedError, finish, standing
from streams.upgrade.gate import FinishingError, Gate, TooOldError, opened
from streams.upgrade.inputs import TooEarlyError, check_inputs
from streams.upgrade.members import Member, stated
from tests.conftest import Kafka
from tests.evolution.releases import AFTER_NEXT, BEFORE, NEXT

pytestmark = pytest.mark.kafka

OWN = FORMS.newest.number
AT = 1_798_105_200_000_000


@dataclass(frozen=True)
class Place:
    """A generation without workers, on the run's broker."""

    client: dict[str, Any]
    generation: int

    @property
    def group(self) -> str:
        return f"paystate{generation_suffix(self.generation)}"

    def started(self, forms: Forms) -> tuple[Gate, Writing]:
        """What a worker of a release does when it starts."""
        return opened(self.client, self.group, self.generation, forms)

    def finish(self, forms: Forms, clock_us: Callable[[], int] = lambda: AT) -> Upgrade:
        return finish(self.client, self.group, self.generation, forms, "kim", clock_us)

    @property
    def now(self) -> Upgrade | None:
        return Decisions(self.client, self.generation).now()

    def members(self) -> tuple[Member, ...]:
        return standing(self.client, self.group, self.generation, NEXT).members

    @contextmanager
    def member(self, client_id: str) -> Iterator[None]:
        """Somebody in the group."""
        consumer = Consumer({**self.client, "group.id": self.group, "client.id": client_id})
        consumer.subscribe([topic_name(TOPIC, self.generation)])
        deadline = time.monotonic() + 60
        while not self.members():
            consumer.poll(0.2)
            assert time.monotonic() < deadline
        yield
        consumer.close()


@pytest.fixture
def place(kafka: Kafka) -> Place:
    client = {"bootstrap.servers": kafka.bootstrap_servers}
    made = Place(client, 2_000_000 + secrets.randbelow(1_000_000))
    name = topic_name(TOPIC, made.generation)
    admin = AdminClient(client)  # held until it has answered: it takes its questions with it
    admin.create_topics([NewTopic(name, 1, 1, config={"cleanup.policy": "compact"})])[name].result(30)
    return made


def test_the_first_worker_decides_its_own_form_and_of_two_at_once_one_does(place: Place) -> None:
    """Whoever comes second writes what was decided, or is refused if it does not read that. Either may be the first."""
    with ThreadPoolExecutor(2) as pool:
        earlier, later = (pool.submit(place.started, forms) for forms in (NEXT, AFTER_NEXT))
    assert place.now is not None
    _, writing = later.result()
    assert writing.number == place.now.form
    if place.now.form == OWN + 1:
        assert earlier.result()[1].number == OWN + 1
    else:
        assert place.now.form == OWN + 2
        with pytest.raises(TooOldError, match=rf"reads up to form {OWN + 1}"):
            earlier.result()


def test_a_later_release_writes_the_form_before_until_the_upgrade_is_finished(place: Place) -> None:
    place.started(FORMS)
    gate, writing = place.started(NEXT)
    assert writing.number == OWN
    gate()
    assert writing.number == OWN
    decided = place.finish(NEXT)
    assert (decided.form, decided.previous, decided.step, decided.at) == (OWN + 1, OWN, UpgradeStep.IN_FORCE, AT)
    gate()
    assert writing.number == OWN + 1
    assert place.finish(NEXT) == decided == place.now


def test_after_the_finish_an_earlier_release_is_refused_with_what_to_start(place: Place) -> None:
    gate, _ = place.started(FORMS)
    gate()
    place.finish(NEXT)
    with pytest.raises(TooOldError, match=r"by kim at 2026-12-24 .*Z\): this paystate, .*Start paystate 98\.0\.0"):
        place.started(FORMS)
    with pytest.raises(TooOldError):
        gate()  # one that was away, and is given a partition again
    with pytest.raises(UpgradeRefusedError, match=rf"form {OWN + 1} is known already, of paystate 98\.0\.0"):
        place.finish(FORMS)
    assert place.finish(AFTER_NEXT).form == OWN + 2


@pytest.mark.parametrize("client_id", [stated("w1", FORMS), "rdkafka"], ids=["earlier", "a stranger"])
def test_it_is_not_finished_while_somebody_is_there_who_does_not_read_the_form(place: Place, client_id: str) -> None:
    place.started(FORMS)
    before = place.now
    with place.member(client_id), pytest.raises(UpgradeRefusedError, match=r"is in the group: replace it by 98\.0\.0"):
        place.finish(NEXT)
    assert place.now == before


def test_a_worker_that_joins_while_it_is_being_finished_is_seen_and_it_is_taken_back(place: Place) -> None:
    place.started(FORMS)
    joined = place.member(stated("late", FORMS))

    def clock_us() -> int:
        if not place.members():  # the first look is over, nothing is written yet
            joined.__enter__()
        return AT

    with pytest.raises(UpgradeRefusedError, match="late on"):
        place.finish(NEXT, clock_us)
    joined.__exit__(None, None, None)
    assert place.now == Upgrade(OWN, UpgradeStep.IN_FORCE, OWN, "98.0.0", "kim", AT)
    place.started(FORMS)


def test_a_worker_that_starts_while_it_is_being_finished_is_refused_until_that_has_ended(place: Place) -> None:
    place.started(FORMS)
    refused: list[str] = []

    def clock_us() -> int:
        decision = place.now
        if decision is not None and decision.step is UpgradeStep.FINISHING:
            with pytest.raises(FinishingError) as caught:
                place.started(FORMS)
            assert place.started(NEXT)[1].number == OWN
            refused.append(str(caught.value))
        return AT

    place.finish(NEXT, clock_us)
    [said] = refused
    assert "if the finishing was broken off, run its `paystate upgrade finish` again" in said


def test_what_was_broken_off_is_ended_by_the_next(place: Place) -> None:
    place.started(FORMS)
    with Decider(place.client, place.group, place.generation) as decider:
        decider.decide(Upgrade(OWN + 1, UpgradeStep.FINISHING, OWN, "98.0.0", "lee", AT))
    with pytest.raises(FinishingError):
        place.started(FORMS)
    assert place.finish(NEXT) == place.now == Upgrade(OWN + 1, UpgradeStep.IN_FORCE, OWN, "98.0.0", "kim", AT)


def test_of_two_who_decide_the_later_one_does(place: Place) -> None:
    place.started(FORMS)
    with Decider(place.client, place.group, place.generation) as slow:
        place.finish(NEXT)
        with pytest.raises(FencedError):
            slow.decide(Upgrade(OWN, UpgradeStep.IN_FORCE, OWN, "0.1.0", "lee", AT))
    assert place.now is not None
    assert place.now.form == OWN + 1


def test_where_no_worker_has_run_there_is_nothing_to_finish(place: Place) -> None:
    with pytest.raises(UpgradeRefusedError, match="no worker has run in this generation yet"):
        place.finish(NEXT)


def test_without_its_topic_a_worker_says_how_to_make_it(kafka: Kafka) -> None:
    nowhere = Place({"bootstrap.servers": kafka.bootstrap_servers}, 3_999_999)
    with pytest.raises(ConfigurationError, match=r"payments\.upgrades\.v1\.g3999999 does not exist: create it"):
        nowhere.started(FORMS)


def test_files_are_not_taken_in_ahead_of_the_workers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with Decider(place.client, place.group, place.generation) as decider:
        decider.decide(Upgrade(1, UpgradeStep.IN_FORCE, 1, "0.1.0", "the first worker", AT))
    check_inputs(place.client, place.generation, BEFORE)  # its raw records are as they were
    monkeypatch.setattr("streams.upgrade.inputs.CONTRACTS", ("payments.approvals.v1",))
    with pytest.raises(TooEarlyError, match=r"workers write form 1 .* paystate 97\.0\.0 takes in is of form 2"):
        check_inputs(place.client, place.generation, BEFORE)
    place.finish(BEFORE)
    check_inputs(place.client, place.generation, BEFORE)


@pytest.fixture
def run(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("PAYSTATE_KAFKA__BOOTSTRAP_SERVERS", str(place.client["bootstrap.servers"]))
    monkeypatch.setenv("PAYSTATE_GENERATION", str(place.generation))
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str) -> str:
        result = CliRunner().invoke(build(["upgrade"]), ["upgrade", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    return command


def test_the_command_tells_where_the_upgrade_stands_and_ends_it(
    place: Place, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no worker has run in this generation yet" in run("status")
    place.started(FORMS)
    assert "nothing to finish" in run("status")
    monkeypatch.setattr("streams.cli.upgrade.FORMS", NEXT)  # the command of the next release
    with place.member(stated("w1", FORMS)):
        told = json.loads(run("status", "--json"))
        assert [row["instance"] for row in told["members"]] == ["w1"]
        assert (told["finished"], len(told["obstacles"])) == (False, 1)
        assert "not to be finished yet: w1 on" in run("status")
    assert f"`paystate upgrade finish` puts form {OWN + 1} in force; no way back after it" in run("status")
    assert f"form {OWN + 1} is in force (98.0.0, lee, " in run("finish", "--actor", "lee")
    assert json.loads(run("finish", "--json"))["actor"] == "lee"
    assert json.loads(run("status", "--json"))["finished"] is True
