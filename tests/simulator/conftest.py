"""One company for all tests of the simulator, large enough to have every story in it."""

from __future__ import annotations

import pytest

from streams.simulator.simulation import Simulation, simulate

SEED = 11
PAYMENTS = 4_000


@pytest.fixture(scope="session")
def company() -> Simulation:
    return simulate(SEED, PAYMENTS)
