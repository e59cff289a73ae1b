"""The cluster for one command: reached, or told at once why not; its clients leave the terminal to the command."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from streams.cluster import Cluster, connect
from streams.doctor.broker import Reach, reachable
from streams.doctor.finding import Level
from streams.settings import Settings

_CRITICAL_ONLY: Final = 2
"""A syslog level: what librdkafka retries by itself is not said, what it cannot is an exception."""


class UnreachableError(RuntimeError):
    """The cluster does not answer or does not let us in; the message says why and what to look at."""


def reached(settings: Settings, *, topics: bool = True) -> Cluster:
    """The settings' cluster, which answers, with the generation in force.

    Raises UnreachableError, BrokerError, RefusedError, KafkaException.
    """
    cluster = connect(settings, topics=topics)
    if not settings.embedded:
        found = reachable(Reach(cluster.client), str(cluster.client["bootstrap.servers"]))
        if found.level is Level.FAIL:
            raise UnreachableError(f"{found.found}: {found.advice}")
    return replace(cluster, client={**cluster.client, "log_level": _CRITICAL_ONLY}).followed()
