"""The contracts name the agents that really read and write each topic, as the app is wired."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from schemas.contracts import contract
from schemas.names import topic_name
from streams.app import build
from streams.engine.topology import Declared
from streams.settings import KafkaSettings, Settings

AGENTS = ("normalise", "correlate", "lifecycle", "duplicates")
every_agent = pytest.mark.parametrize("agent", AGENTS)


Declare = Callable[[str], Declared]


@pytest.fixture
def declared(tmp_path: Path) -> Declare:
    """What one agent alone reads and writes."""
    abroad = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    settings = Settings(kafka=abroad, data_dir=tmp_path, account_hash_key=SecretStr("k" * 32))
    return lambda agent: build(settings, settings.client_config(), "worker-1", agents=[agent])._declared()


@every_agent
def test_an_agent_is_a_consumer_of_what_it_reads(agent: str, declared: Declare) -> None:
    read = [topic for inputs in declared(agent).inputs for topic in inputs.topics]
    assert read
    assert [topic.name for topic in read if agent not in contract(topic.name).consumers] == []


@every_agent
def test_an_agent_is_a_producer_of_what_it_writes_its_tables_changelogs_included(agent: str, declared: Declare) -> None:
    told = declared(agent)
    written = [*told.outputs, *(table.changelog for table in told.tables)]
    assert [topic.name for topic in written if agent not in contract(topic.name).producers] == []
    assert told.dead_letters.kafka_name == topic_name("payments.dead-letters.v1")
    assert agent in contract("payments.dead-letters.v1").producers


def test_no_agent_writes_what_only_others_may(declared: Declare) -> None:
    written = {topic.name for agent in AGENTS for topic in declared(agent).outputs}
    assert written.isdisjoint({"payments.raw.v1", "payments.files.v1", "payments.policies.v1"})
