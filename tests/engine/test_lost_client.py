"""A client that Kafka does not answer while it answers others, told from a Kafka that is away."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from streams.engine.errors import ClientLost
from streams.engine.lost_client import LOST_AFTER_S, Silence
from streams.engine.outage import Outage


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def answers(_within_s: float) -> bool:
    return True


def is_away(_within_s: float) -> bool:
    return False


def over(clock: Clock, seconds: float, call: Callable[[], None]) -> None:
    """`call` once a second for so long."""
    for _ in range(int(seconds)):
        call()
        clock.now_s += 1.0


def test_a_client_that_is_not_answered_while_another_is_ends_the_worker(clock: Clock) -> None:
    """Seen: a transaction was aborted again and again for five minutes, and a consumer polled nothing."""
    silence = Silence(clock)
    over(clock, LOST_AFTER_S, lambda: silence.goes_on(answers))
    with pytest.raises(ClientLost, match="does not find back"):
        over(clock, 3, lambda: silence.goes_on(answers))


def test_while_kafka_is_away_it_is_waited_for_as_long_as_it_takes(clock: Clock) -> None:
    """And when it is back its coordinators get their time."""
    silence = Silence(clock)
    over(clock, 20 * LOST_AFTER_S, lambda: silence.goes_on(is_away))
    over(clock, LOST_AFTER_S, lambda: silence.goes_on(answers))


def test_silences_that_ended_are_not_added_up(clock: Clock) -> None:
    silence = Silence(clock)
    for _ in range(5):
        over(clock, LOST_AFTER_S - 1, lambda: silence.goes_on(answers))
        silence.ended()


def test_a_process_that_was_asleep_meanwhile_has_asked_nobody(clock: Clock) -> None:
    """Found by the simulation, in which days may go by between two steps."""
    silence = Silence(clock)
    silence.goes_on(answers)
    clock.now_s += 86_400.0
    silence.goes_on(answers)


@pytest.fixture
def outage(clock: Clock) -> Outage:
    outage = Outage(SimpleNamespace(all_down=False, last_error=""), clock, 5.0)
    clock.now_s += 6.0
    assert outage.is_suspected
    return outage


def test_a_consumer_that_hears_nothing_while_kafka_is_there_ends_the_worker(clock: Clock, outage: Outage) -> None:
    with pytest.raises(ClientLost, match="does not find back"):
        over(clock, 2 * LOST_AFTER_S, lambda: outage.look(answers, is_away))


def test_while_nobody_is_answered_the_worker_waits_and_says_so(clock: Clock, outage: Outage) -> None:
    over(clock, 20 * LOST_AFTER_S, lambda: outage.look(is_away, is_away))
    assert "no broker has answered" in outage.reason()
    outage.look(answers, answers)
    assert not outage.reason()


def test_a_unit_that_is_committed_ends_the_silence(clock: Clock, outage: Outage) -> None:
    """Else two questions that got no answer, hours apart, would end a worker that is well."""
    for units in range(1, 6):
        over(clock, LOST_AFTER_S - 1, lambda: outage.look(answers, is_away))
        outage.committed(units)
        clock.now_s += 3600.0
