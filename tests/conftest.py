"""One real Kafka broker for all tests of a run; every test gets names of its own on it."""

from __future__ import annotations

import gc
import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import settings

from streams.broker.embedded import EmbeddedBroker


def pytest_configure() -> None:
    """A run that is told to end ends like one that is interrupted: fixtures are torn down, no broker stays behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # No test fails because the machine is busy.
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")


@dataclass(frozen=True)
class Kafka:
    """A running broker."""

    bootstrap_servers: str


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker for the whole run: PAYSTATE_KAFKA__BOOTSTRAP_SERVERS if set, else an embedded one."""
    existing = os.environ.get("PAYSTATE_KAFKA__BOOTSTRAP_SERVERS")
    if existing:
        yield Kafka(existing)
        return
    broker = EmbeddedBroker(tmp_path_factory.mktemp("kafka"))
    yield Kafka(broker.start().bootstrap_servers)
    gc.collect()  # clients that tests have dropped would complain of the broker's end
    broker.stop()


@pytest.fixture
def prefix() -> str:
    """A prefix for topics and groups that no other test uses."""
    return f"t{uuid.uuid4().hex[:10]}"
