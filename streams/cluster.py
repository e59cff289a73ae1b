"""The cluster that the settings mean, ready for use: the configured one, or our own broker started for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from confluent_kafka.admin import AdminClient

from schemas.apply import apply
from schemas.registry import registry_of
from streams.broker.embedded import EmbeddedBroker
from streams.generations import GenerationsTopic, following
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Cluster:
    """A reachable cluster: ``client`` is the librdkafka configuration that every client shares.

    ``settings`` mean the generation in force once the cluster was asked for it with ``followed``.
    """

    settings: Settings
    client: dict[str, str | int | float | bool]

    def admin(self) -> AdminClient:
        """A new admin client. It says errors only: what librdkafka warns of is tried again by itself."""
        return AdminClient({**self.client, "log_level": 3})

    def followed(self) -> Cluster:
        """With the generation that counts now, where the settings name none. Raises KafkaException, CodecError."""
        generations = GenerationsTopic(self.client, registry_of(self.settings.registry_url))
        return replace(self, settings=following(self.settings, generations.read()))


def connect(settings: Settings, *, topics: bool = True) -> Cluster:
    """Reach the cluster; the embedded broker is started if none is configured, and ``topics`` are made there.

    On a foreign cluster nothing is created: that is what ``paystate topics apply`` is for.
    Raises BrokerError, RefusedError, KafkaException.
    """
    if not settings.embedded:
        return Cluster(settings, settings.client_config())
    running = EmbeddedBroker(settings.broker_dir, settings.broker.java).start()
    cluster = Cluster(settings, settings.client_config(running.bootstrap_servers))
    if topics:
        cluster = cluster.followed()
        apply(cluster.admin(), cluster.settings.partitions, cluster.settings.generation)
    return cluster
