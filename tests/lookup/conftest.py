"""A generation for all tests of the lookup."""

from __future__ import annotations

import pytest

from streams.lookup.log import CommittedLog
from tests.conftest import Kafka
from tests.generation import Generation, new_generation


@pytest.fixture(scope="session")
def generation(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Generation:
    return new_generation(kafka.bootstrap_servers, tmp_path_factory.mktemp("lookup"))


@pytest.fixture(scope="session")
def log(generation: Generation) -> CommittedLog:
    return CommittedLog(generation.client)
