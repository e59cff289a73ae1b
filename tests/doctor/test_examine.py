"""The whole examination: what fails first is said, what rests on it is skipped, and a sound cluster passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.doctor import broker
from streams.doctor.examine import examine
from streams.doctor.finding import Level
from tests.conftest import Kafka
from tests.generation import new_generation


def levels() -> dict[str, Level]:
    return {finding.name: finding.level for finding in examine()}


def test_wrong_settings_are_all_listed_and_nothing_else_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTATE_PARTITIONS", "many")
    monkeypatch.setenv("PAYSTATE_WEBPORT", "1")
    settings, rest = list(examine())
    assert (settings.level, rest.level) == (Level.FAIL, Level.SKIP)
    assert "PAYSTATE_PARTITIONS" in settings.found
    assert "did you mean PAYSTATE_WEB_PORT" in settings.found


def test_an_embedded_broker_that_does_not_run_is_not_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PAYSTATE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("PAYSTATE_DATA_DIR", str(tmp_path))
    found = levels()
    assert found["broker"] is Level.WARN
    assert "topics" not in found
    assert not (tmp_path / "broker").exists()


def test_a_broker_that_does_not_answer_skips_what_needs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(broker, "ANSWERS_WITHIN_S", 1.0)
    monkeypatch.setenv("PAYSTATE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("PAYSTATE_DATA_DIR", str(tmp_path))
    found = levels()
    assert found["broker"] is Level.FAIL
    assert found["topics, workers, dead letters"] is Level.SKIP


@pytest.mark.kafka
def test_a_registry_that_does_not_answer_fails_and_all_else_is_examined(
    monkeypatch: pytest.MonkeyPatch, kafka: Kafka, tmp_path: Path
) -> None:
    for name, value in new_generation(kafka.bootstrap_servers, tmp_path).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://127.0.0.1:1")
    found = levels()
    assert found["schema registry"] is Level.FAIL
    assert found["dead letters"] is Level.SKIP
    assert found["topics"] is Level.OK


@pytest.mark.kafka
def test_a_sound_cluster_without_workers_has_warnings_only(
    monkeypatch: pytest.MonkeyPatch, kafka: Kafka, tmp_path: Path
) -> None:
    for name, value in new_generation(kafka.bootstrap_servers, tmp_path).environment.items():
        monkeypatch.setenv(name, value)
    found = levels()
    assert Level.FAIL not in found.values()
    assert found["topics"] is found["partitions"] is found["arrival time"] is found["dead letters"] is Level.OK
    assert found["workers"] is Level.WARN
