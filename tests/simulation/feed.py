"""What comes in from outside: a drawn list of orders, produced a few at a time."""

from __future__ import annotations

from random import Random

from . import ledger
from .broker import Broker
from .scenario import Scenario

ORDERS = {"add": 72, "forget": 10, "poison": 6, "odd": 4, "scan": 8}


class Feed:
    """Orders that are still to come (topic, partition, key, value), spread over the steps in which faults happen."""

    def __init__(self, scenario: Scenario, broker: Broker) -> None:
        random = Random(f"feed {scenario.seed}")
        self._broker = broker
        last = max((fault.step for fault in scenario.faults), default=0)
        self._steps_each = max(600, last) / scenario.records
        self._begin = scenario.records
        self._left = [self._draw(random, number) for number in range(scenario.records)]

    def _draw(self, random: Random, number: int) -> tuple[tuple[str, int], bytes, bytes]:
        topic = random.choices(ledger.FED, (5, 5, 2))[0]
        partition = random.randrange(self._broker.partitions)
        what = random.choices(list(ORDERS), list(ORDERS.values()))[0]
        key = f"{partition}{random.choice('abc')}"
        return (topic, partition), key.encode(), ledger.encode({"id": number, "do": what})

    @property
    def is_done(self) -> bool:
        return not self._left

    def is_due(self, step: int) -> bool:
        """Whether the next record should have come by this step."""
        return bool(self._left) and step >= (self._begin - len(self._left)) * self._steps_each

    def produce(self, random: Random, now_ms: int) -> None:
        """The next few; their timestamps are their producers' clocks, which differ a little."""
        for _ in range(random.randint(1, 4)):
            if self._left:
                place, key, value = self._left.pop(0)
                self._broker.log(place).append(key, value, now_ms + random.randint(-20, 20))
