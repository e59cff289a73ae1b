"""A client that Kafka does not answer while it answers others, told from a Kafka that is away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.engine.errors import InfrastructureError
from streams.engine.lost_client import LOST_AFTER_S, Membership, Repetitions


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


def is_silent(_within_s: float) -> bool:
    return False


def over(clock: Clock, seconds: float, call: Callable[[], None]) -> None:
    """`call` once a second for so long."""
    for _ in range(int(seconds)):
        call()
        clock.now_s += 1.0


def cannot_tell() -> bool:
    raise KafkaException(KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS))


def test_a_call_that_is_repeated_while_kafka_answers_others_ends_the_worker(clock: Clock) -> None:
    calls = Repetitions(clock)
    over(clock, LOST_AFTER_S, lambda: calls.again(answers))
    with pytest.raises(InfrastructureError, match="does not find back"):
        over(clock, 3, lambda: calls.again(answers))


def test_while_kafka_is_away_a_call_is_repeated_for_as_long_as_it_takes(clock: Clock) -> None:
    """And when it is back its coordinators get their time."""
    calls = Repetitions(clock)
    over(clock, 20 * LOST_AFTER_S, lambda: calls.again(is_silent))
    over(clock, LOST_AFTER_S, lambda: calls.again(answers))


def test_calls_that_come_through_are_not_added_up(clock: Clock) -> None:
    calls = Repetitions(clock)
    for _ in range(5):
        over(clock, LOST_AFTER_S - 1, lambda: calls.again(answers))
        calls.ended()


def test_a_spare_worker_is_a_member_once_the_group_says_so(clock: Clock) -> None:
    membership = Membership(clock)
    over(clock, 10 * LOST_AFTER_S, lambda: membership.look(lambda: False))
    assert "has not given" in membership.reason()
    membership.look(lambda: True)
    assert membership.is_known


@pytest.fixture
def doubted(clock: Clock) -> Membership:
    membership = Membership(clock)
    membership.joined()
    membership.committed(7)
    assert membership.is_known
    membership.doubt()
    assert "Kafka was away" in membership.reason()
    return membership


def test_after_an_outage_a_worker_that_the_group_has_lost_ends(clock: Clock, doubted: Membership) -> None:
    """Seen: its consumer had forgotten its brokers and polled nothing, for five minutes, without an error."""
    with pytest.raises(InfrastructureError, match="without this worker"):
        over(clock, 2 * LOST_AFTER_S, lambda: doubted.look(lambda: False))


def test_after_an_outage_a_unit_proves_membership_without_a_question(clock: Clock, doubted: Membership) -> None:
    doubted.committed(7)
    assert not doubted.is_known
    doubted.committed(8)
    assert doubted.is_known


def test_after_an_outage_the_group_may_take_its_time_to_answer(clock: Clock, doubted: Membership) -> None:
    over(clock, 5 * LOST_AFTER_S, lambda: doubted.look(cannot_tell))
    over(clock, LOST_AFTER_S / 2, lambda: doubted.look(lambda: False))
    clock.now_s += LOST_AFTER_S / 4
    doubted.look(lambda: True)
    assert doubted.is_known
