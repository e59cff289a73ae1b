"""Checks of the broker: does it answer, does it let us in, what does it give to groups."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from streams.doctor.finding import Finding, fail, ok, skip, warn
from streams.settings import PREFIX, Settings

ANSWERS_WITHIN_S: Final = 10.0
_CALLBACKS_WITHIN_S: Final = 0.5
_SLOW_TAKEOVER_MS: Final = 15_000
_SESSION: Final = "group.consumer.session.timeout.ms"
_PROTOCOLS: Final = "group.coordinator.rebalance.protocols"
_REFUSED: Final = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED})
_CREDENTIALS: Final = (
    f"check {PREFIX}KAFKA__SECURITY_PROTOCOL, SASL_MECHANISM, SASL_USERNAME, SASL_PASSWORD, and that the user exists"
)
_ADVICE: Final[Mapping[int, str]] = {
    KafkaError._RESOLVE: f"the name does not resolve: check {PREFIX}KAFKA__BOOTSTRAP_SERVERS and the DNS",
    KafkaError._SSL: f"check {PREFIX}KAFKA__SSL_CA_LOCATION, the certificates, and that the listener speaks TLS",
    KafkaError._TRANSPORT: f"nobody listens there, or it hangs up: check {PREFIX}KAFKA__BOOTSTRAP_SERVERS, firewalls, "
    f"and whether the listener wants another {PREFIX}KAFKA__SECURITY_PROTOCOL",
    **dict.fromkeys(_REFUSED, _CREDENTIALS),
}
_quiet = logging.getLogger("streams.doctor.librdkafka")
_quiet.setLevel(logging.CRITICAL)  # what the client says is in the finding


class Reach:
    """An admin client that remembers what went wrong: a wrong password looks like a time-out to whoever only waits."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._errors: list[KafkaError] = []
        self.admin = AdminClient({**client, "error_cb": self.heard}, logger=_quiet)

    def heard(self, error: KafkaError) -> None:
        """Called by the client, when it is polled, with each error that it met on its own threads."""
        self._errors.append(error)

    def cause(self, error: KafkaException) -> KafkaError:
        """The most telling error: a refusal before a lost connection before a time-out."""
        self.admin.poll(_CALLBACKS_WITHIN_S)
        ranked = sorted(self._errors, key=lambda row: (row.code() not in _REFUSED, row.code() not in _ADVICE))
        return ranked[0] if ranked else error.args[0]


def reachable(reach: Reach, servers: str) -> Finding:
    """Whether the cluster answers a request for its topics."""
    try:
        metadata = reach.admin.list_topics(timeout=ANSWERS_WITHIN_S)
    except KafkaException as error:
        cause = reach.cause(error)
        advice = _ADVICE.get(cause.code(), "see the broker's log; it may still be starting")
        return fail("broker", f"{servers} did not answer within {ANSWERS_WITHIN_S:.0f} s: {cause.str()}", advice)
    return ok("broker", f"{servers} answers: {len(metadata.brokers)} broker(s), cluster {metadata.cluster_id}")


def examine_broker(admin: AdminClient, settings: Settings) -> Iterator[Finding]:
    """What the first broker's configuration means for workers."""
    try:
        config = broker_config(admin)
    except KafkaException as error:
        yield skip("group protocol", f"this user may not read the broker's configuration: {error.args[0].str()}")
        return
    yield group_protocol(config, settings.kafka.group_protocol)
    yield takeover(config)
    yield transactions(config, settings)


def broker_config(admin: AdminClient) -> dict[str, str]:
    """The configuration of one broker. Raises KafkaException."""
    brokers = admin.list_topics(timeout=ANSWERS_WITHIN_S).brokers
    resource = ConfigResource(ResourceType.BROKER, str(min(brokers)))
    entries = admin.describe_configs([resource])[resource].result(ANSWERS_WITHIN_S)
    return {key: entry.value for key, entry in entries.items() if entry.value is not None}


def group_protocol(config: Mapping[str, str], wanted: str) -> Finding:
    """KIP-848 groups came with Kafka 4.0: a rebalance there does not stop the workers that keep their partitions."""
    has_kip848 = _SESSION in config and "consumer" in config.get(_PROTOCOLS, "consumer").split(",")
    if has_kip848:
        return ok("group protocol", "Kafka 4.0 or newer: KIP-848 groups")
    if wanted == "consumer":
        advice = f"enable it ({_PROTOCOLS}=classic,consumer), upgrade to 4.0, or set {PREFIX}KAFKA__GROUP_PROTOCOL=auto"
        return fail("group protocol", "the broker has no KIP-848 groups, but the settings demand them", advice)
    advice = "works, with the classic protocol; Kafka 4.0 takes partitions over without stopping the others"
    return warn("group protocol", "before Kafka 4.0: no KIP-848 groups", advice)


def takeover(config: Mapping[str, str]) -> Finding:
    """How long a killed worker's partitions stand still: under KIP-848 that is the broker's setting, not ours."""
    session = config.get(_SESSION)
    if session is None:
        return ok("take-over", "classic groups: workers ask for 10 s themselves")
    found = f"{_SESSION}={session}"
    if int(session) > _SLOW_TAKEOVER_MS:
        advice = (
            f"a killed worker's payments stand still for {int(session) // 1000} s: set it to 6000-10000, and the min"
        )
        return warn("take-over", found, f"{advice} (group.consumer.min.session.timeout.ms) with it")
    return ok("take-over", found)


def transactions(config: Mapping[str, str], settings: Settings) -> Finding:
    """A worker that asks for more than the broker's longest transaction is refused at its start."""
    longest = int(config.get("transaction.max.timeout.ms", "900000"))
    wanted = settings.engine.transaction_timeout_ms
    if wanted > longest:
        advice = f"lower {PREFIX}ENGINE__TRANSACTION_TIMEOUT_MS or raise transaction.max.timeout.ms"
        return fail("transactions", f"the broker allows {longest} ms, the settings ask for {wanted} ms", advice)
    return ok("transactions", f"{wanted} ms of at most {longest} ms")
