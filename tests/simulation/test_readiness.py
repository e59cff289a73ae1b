"""Long work is no hanging: a unit may take as long as it takes, if each of its steps ends in time."""

from __future__ import annotations

import pytest

from streams.engine import FaultPoint

from .run import quietly
from .scenario import Scenario
from .world import World

LATE_AFTER_S = 5.0


class SlowAgents(World):
    """Each agent takes so long for each of its batches. Notes what workers say of themselves at each step."""

    def __init__(self, batch_s: float) -> None:
        super().__init__(Scenario(seed=1, workers=1, records=40, is_classic=False, faults=()))
        self._batch_s = batch_s
        self._polled_s = 0.0
        self.longest_unit_s = 0.0
        self.reasons: set[str] = set()

    def note(self, who: str, what: str) -> None:
        super().note(who, what)
        if what == f"reached {FaultPoint.POLLED}":
            self._polled_s = self.scheduler.now_s
        elif what == f"reached {FaultPoint.FOLDED}":
            self.scheduler.now_s += self._batch_s
        elif what == f"reached {FaultPoint.DONE}":
            self.longest_unit_s = max(self.longest_unit_s, self.scheduler.now_s - self._polled_s)
        if what.startswith("reached ") and who in self.processes:
            self.reasons.add(self.processes[who].engine.status().reason)

    def stuck(self) -> set[str]:
        with quietly():
            assert self.run().violation is None
        return {reason for reason in self.reasons if "stuck" in reason}


@pytest.mark.parametrize("batch_s", [0.0, 0.6 * LATE_AFTER_S])
def test_a_worker_under_load_is_ready_however_long_its_units_are(batch_s: float) -> None:
    slow = SlowAgents(batch_s)
    assert slow.stuck() == set()
    assert "" in slow.reasons
    assert (slow.longest_unit_s > LATE_AFTER_S) is (batch_s > 0)


def test_one_whose_agent_takes_longer_than_it_may_is_not() -> None:
    stuck = SlowAgents(1.4 * LATE_AFTER_S).stuck()
    assert stuck
    assert all("has not returned its records for 7 s" in reason for reason in stuck)
