"""All checks in the order in which they depend on each other: what rests on something that failed is skipped."""

from __future__ import annotations

from collections.abc import Iterator

from confluent_kafka import KafkaException

from schemas.codec import CodecError
from schemas.registry import registry_of
from streams.app import group_of
from streams.broker.embedded import EmbeddedBroker
from streams.cluster import Cluster
from streams.doctor.broker import Reach, examine_broker, reachable
from streams.doctor.finding import Finding, Level, fail, ok, skip, warn
from streams.doctor.machine import examine_machine
from streams.doctor.running import dead_letters, lag, members, registry, this_worker
from streams.doctor.topics import examine_topics
from streams.lookup.log import CommittedLog, ReadError
from streams.lookup.pipeline import input_topics, look
from streams.settings import Settings, SettingsError, load
from streams.topics import Topics, topics_of


def examine() -> Iterator[Finding]:
    """Every finding, as it is made. Starts nothing and changes nothing but a probe file in the archive."""
    try:
        settings = load()
    except SettingsError as error:
        yield fail("settings", str(error), "correct them: docs/settings.md lists all")
        yield skip("everything else", "the settings cannot be used")
        return
    yield ok("settings", "valid")
    yield from examine_machine(settings)
    schemas = registry(settings)
    yield schemas
    client = _client(settings)
    if client is None:
        yield warn(
            "broker", f"no broker runs in {settings.broker_dir}", "any command starts it: `paystate broker start`"
        )
        yield skip("topics, workers, dead letters", "no broker runs")
        return
    yield from _examine_cluster(Cluster(settings, client), has_schemas=schemas.level is Level.OK)


def _client(settings: Settings) -> dict[str, str | int | float | bool] | None:
    """How to reach the cluster; None if it is our own broker and it does not run."""
    if not settings.embedded:
        return settings.client_config()
    running = EmbeddedBroker(settings.broker_dir, settings.broker.java).status()
    return None if running is None else settings.client_config(running.bootstrap_servers)


def _examine_cluster(cluster: Cluster, *, has_schemas: bool) -> Iterator[Finding]:
    settings, reach = cluster.settings, Reach(cluster.client)
    answer = reachable(reach, str(cluster.client["bootstrap.servers"]))
    yield answer
    if answer.level is Level.FAIL:
        yield skip("topics, workers, dead letters", "the broker does not answer")
        return
    topics = topics_of(settings.generation, registry_of(settings.registry_url) if has_schemas else None)
    yield from examine_broker(reach.admin, settings)
    yield from _or_refused("topics", examine_topics(reach.admin, settings, topics))
    yield from _or_refused("workers", _examine_pipeline(cluster, topics))
    if has_schemas:
        yield from _or_refused("dead letters", _examine_dead_letters(cluster, topics))
    else:
        yield skip("dead letters", "the schema registry does not answer")
    yield this_worker(settings)


def _examine_pipeline(cluster: Cluster, topics: Topics) -> Iterator[Finding]:
    log = CommittedLog(cluster.client)
    now = look(cluster, log, group_of(cluster.settings), input_topics(topics))
    yield members(now)
    yield lag(now)


def _examine_dead_letters(cluster: Cluster, topics: Topics) -> Iterator[Finding]:
    yield dead_letters(CommittedLog(cluster.client), topics.dead_letters)


def _or_refused(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """A question that the broker refuses (rights, a missing topic) is a finding too, not the end of the examination."""
    try:
        yield from findings
    except KafkaException as error:
        yield fail(name, f"the broker refuses: {error.args[0].str()}", "give this user the right to describe and read")
    except CodecError as error:
        yield fail(name, str(error), "upgrade paystate, or set SCHEMA_REGISTRY_URL as the writers have it")
    except ReadError as error:
        yield skip(name, str(error))
