"""What is said about a broker, and that a refusal is told from silence."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.doctor import broker
from streams.doctor.broker import Reach, broker_config, group_protocol, reachable, takeover, transactions
from streams.doctor.finding import Level
from streams.settings import Settings
from tests.conftest import Kafka

KIP_848 = {"group.consumer.session.timeout.ms": "6000", "group.coordinator.rebalance.protocols": "classic,consumer"}


def test_kip_848_groups_are_seen_in_the_brokers_configuration() -> None:
    assert group_protocol(KIP_848, "auto").level is Level.OK


@pytest.mark.parametrize(("wanted", "level"), [("auto", Level.WARN), ("consumer", Level.FAIL)])
@pytest.mark.parametrize("config", [{}, KIP_848 | {"group.coordinator.rebalance.protocols": "classic"}])
def test_a_broker_without_kip_848_fails_only_who_demands_it(config: dict[str, str], wanted: str, level: Level) -> None:
    assert group_protocol(config, wanted).level is level


def test_a_session_time_out_of_45_s_is_the_take_over_time_and_warned_of() -> None:
    found = takeover({"group.consumer.session.timeout.ms": "45000"})
    assert found.level is Level.WARN
    assert "45 s" in found.advice
    assert takeover(KIP_848).level is Level.OK
    assert takeover({}).level is Level.OK


def test_a_transaction_longer_than_the_broker_allows_fails() -> None:
    settings = Settings()
    asked = settings.engine.transaction_timeout_ms
    assert transactions({"transaction.max.timeout.ms": str(asked - 1)}, settings).level is Level.FAIL
    assert transactions({"transaction.max.timeout.ms": str(asked)}, settings).level is Level.OK


def test_an_address_where_nobody_listens_fails_and_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWERS_WITHIN_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "{}:{}".format(*free.getsockname())
    found = reachable(Reach({"bootstrap.servers": address}), address)
    assert found.level is Level.FAIL
    assert address in found.found
    assert "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS" in found.advice


def test_a_refused_password_is_named_although_the_request_only_timed_out() -> None:
    reach = Reach({"bootstrap.servers": "127.0.0.1:1"})
    for code in (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._TRANSPORT):
        reach.heard(KafkaError(code))
    cause = reach.cause(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    assert cause.code() == KafkaError._AUTHENTICATION


def test_a_silent_client_leaves_the_requests_own_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, port = mute.getsockname()
        reach = Reach({"bootstrap.servers": f"{host}:{port}"})
        cause = reach.cause(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    assert cause.code() == KafkaError._TIMED_OUT


@pytest.mark.kafka
def test_the_embedded_broker_is_all_right(kafka: Kafka) -> None:
    reach = Reach({"bootstrap.servers": kafka.bootstrap_servers})
    assert reachable(reach, kafka.bootstrap_servers).level is Level.OK
    config = broker_config(AdminClient({"bootstrap.servers": kafka.bootstrap_servers}))
    assert (group_protocol(config, "consumer").level, takeover(config).level) == (Level.OK, Level.OK)


@pytest.mark.kafka
def test_credentials_for_a_broker_that_wants_none_are_named_as_the_cause(
    monkeypatch: pytest.MonkeyPatch, kafka: Kafka
) -> None:
    monkeypatch.setattr(broker, "ANSWERS_WITHIN_S", 3.0)
    sasl = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "a",
        "sasl.password": "b",
    }
    found = reachable(Reach({"bootstrap.servers": kafka.bootstrap_servers, **sasl}), kafka.bootstrap_servers)
    assert found.level is Level.FAIL
    assert "SASL" in found.found
    assert "SASL_PASSWORD" in found.advice
