"""A correct log, made once; every test that damages it gets a copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from connectors.formats import InstalledFormats
from streams.agents.payment_rows import kept_of
from streams.simulator.messages import messages
from streams.simulator.noise import strangers
from streams.simulator.said import Body
from streams.simulator.simulation import Simulation, simulate
from streams.verify.contracts import Codecs
from streams.verify.report import FAULTS, Report
from streams.verify.stores import Store
from streams.verify.verifier import Rules, verify
from tests.verify.pipeline import GRACE_S, POLICY, WITHIN_S, Pipeline

SEED = 5
PAYMENTS = 120
LARGE = 1_000
_BETWEEN_TICKS = 300

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
    live(pipeline, company)
    return pipeline


def live(pipeline: Pipeline, company: Simulation) -> None:
    """The day, the wait for what is held back, and what follows: the clock passes now and then."""
    on_time = len(company.said) - company.held_back
    for start in range(0, on_time, _BETWEEN_TICKS):
        pipeline.say(company.said[start : min(start + _BETWEEN_TICKS, on_time)])
        pipeline.pass_time(1.0)
    pipeline.pass_time(2 * max(WITHIN_S, GRACE_S))
    pipeline.say(company.said[on_time:])
    pipeline.pass_time(2 * max(WITHIN_S, GRACE_S))


@pytest.fixture(scope="session")
def overdue(company: Simulation, formats: InstalledFormats) -> Pipeline:
    """Only those of the large company who keep somebody waiting, and strangers; not to be damaged."""
    pipeline = Pipeline(formats)
    said = [*messages((row for row in company.payments if row.story.prompt), SEED), *strangers(SEED, LARGE)]
    held_back = [item for item in said if isinstance(item, Body) and item.held_back]
    on_time = [item for item in said if item not in held_back]
    live(pipeline, replace(company, said=(*on_time, *held_back), held_back=len(held_back)))
    return pipeline


@pytest.fixture(scope="session")
def _small(formats: InstalledFormats) -> Pipeline:
    pipeline = Pipeline(formats)
    live(pipeline, simulate(SEED, PAYMENTS))
    return pipeline


@pytest.fixture(scope="session")
def waiting(formats: InstalledFormats) -> Pipeline:
    """A small company at an hour at which much has been submitted and said that nobody has answered or released yet."""
    pipeline, company = Pipeline(formats), simulate(SEED, PAYMENTS)
    pipeline.say(company.said[: company.awaited])
    pipeline.pass_time(1.0)
    return pipeline


@pytest.fixture
def pipeline(_small: Pipeline) -> Pipeline:
    """A small company's pipeline at rest, with a log of its own to damage. Its tables are shared: not to be fed."""
    return with_a_log_of_its_own(_small)


def with_a_log_of_its_own(pipeline: Pipeline) -> Pipeline:
    """The same, to be damaged; its tables are shared."""
    copied = object.__new__(Pipeline)
    copied.__dict__.update(pipeline.__dict__)
    topics = {name: list(rows) for name, rows in pipeline.log.topics.items()}
    copied.log = replace(pipeline.log, topics=topics, _ends=pipeline.log._ends.copy())
    return copied


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Verifies a log, and stores if there are any."""
    codecs = Codecs()

    def judged(pipeline: Pipeline, stores: Sequence[Store] = (), taken: Mapping[int, int] | None = None) -> Report:
        rules = Rules(pipeline.normaliser.facts_of, kept_of, POLICY, codecs, GRACE_S, taken)
        return verify(pipeline.log, rules, stores, Report())

    return judged


def only(report: Report, check: str, count: int = 1) -> bool:
    """Whether this fault was found that often, and no other one."""
    found = {name: getattr(report, name) for name in FAULTS if getattr(report, name)}
    assert found == {check: count}, report.findings
    return True
