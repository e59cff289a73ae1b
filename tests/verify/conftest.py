"""A correct log, made once; every test that damages it gets a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from connectors.formats import InstalledFormats
from streams.agents.payment_rows import kept_of
from streams.simulator.simulation import Simulation, simulate
from streams.verify.contracts import Codecs
from streams.verify.report import FAULTS, Report
from streams.verify.stores import Store
from streams.verify.verifier import Rules, verify
from tests.verify.pipeline import POLICY, Pipeline

SEED = 5
PAYMENTS = 120
LARGE = 1_000

Judge = Callable[..., Report]


@pytest.fixture(scope="session")
def formats() -> InstalledFormats:
    return InstalledFormats()


@pytest.fixture(scope="session")
def company() -> Simulation:
    """Large enough for every story, strangers and unreadable messages."""
    return simulate(SEED, LARGE)


@pytest.fixture(scope="session")
def told(company: Simulation, formats: InstalledFormats) -> Pipeline:
    """All that the large company says, worked off; not to be damaged."""
    pipeline = Pipeline(formats)
    pipeline.say(company.said)
    return pipeline


@pytest.fixture(scope="session")
def _small(formats: InstalledFormats) -> Pipeline:
    pipeline = Pipeline(formats)
    pipeline.say(simulate(SEED, PAYMENTS).said)
    return pipeline


@pytest.fixture
def pipeline(_small: Pipeline) -> Pipeline:
    """A small company's pipeline at rest, with a log of its own to damage. Its tables are shared: not to be fed."""
    copied = object.__new__(Pipeline)
    copied.__dict__.update(_small.__dict__)
    copied.log = replace(
        _small.log, topics={name: list(rows) for name, rows in _small.log.topics.items()}, _ends=_small.log._ends.copy()
    )
    return copied


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Verifies a log, and stores if there are any."""
    codecs = Codecs()

    def judged(pipeline: Pipeline, stores: Sequence[Store] = ()) -> Report:
        rules = Rules(pipeline.normaliser.facts_of, kept_of, POLICY, codecs)
        return verify(pipeline.log, rules, stores, Report())

    return judged


def only(report: Report, check: str, count: int = 1) -> bool:
    """Whether this fault was found that often, and no other one."""
    found = {name: getattr(report, name) for name in FAULTS if getattr(report, name)}
    assert found == {check: count}, report.findings
    return True
