"""Errors that are expected are one clear message; help is there without a broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException
from typer.testing import CliRunner

from streams.cli.main import COMMANDS, build, main, message_of


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(build([]), ["--help"])
    assert result.exit_code == 0
    assert [name for name in COMMANDS if name not in result.output] == []


@pytest.mark.parametrize("command", ["ingest", "files", "show", "tail", "dlq", "doctor", "broker"])
def test_a_command_loads_alone_and_explains_itself(command: str) -> None:
    assert CliRunner().invoke(build([command]), [command, "--help"]).exit_code == 0


def test_a_wrong_setting_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAYSTATE_PARTITIONS", "many")
    with pytest.raises(SystemExit) as ended:
        main(["files", "list"])
    assert ended.value.code == 1
    assert "PAYSTATE_PARTITIONS" in capsys.readouterr().err


def test_the_log_of_a_broker_that_never_ran_says_where_it_would_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAYSTATE_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["broker", "logs"])
    assert ended.value.code == 1
    assert str(tmp_path) in capsys.readouterr().out


def test_kafkas_error_is_told_in_its_words_with_where_to_look() -> None:
    text = message_of(KafkaException(KafkaError(KafkaError._TRANSPORT, "no route")))
    assert text == "Kafka says _TRANSPORT: no route. `paystate doctor` looks for the cause"


def test_a_cluster_that_does_not_answer_is_told_at_once_and_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("streams.doctor.broker.ANSWERS_WITHIN_S", 1.0)
    monkeypatch.setenv("PAYSTATE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(SystemExit) as ended:
        main(["files", "list"])
    assert ended.value.code == 1
    # A client of another test, of a broker that is gone, may still write here: not of this address.
    lines = capfd.readouterr().err.splitlines()
    said = " ".join(" ".join(line for line in lines if line[:1] != "%" or "127.0.0.1:1/" in line).split())
    assert said.startswith("paystate: 127.0.0.1:1 did not answer within 1 s")
    assert "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS" in said
    assert "rdkafka" not in said
