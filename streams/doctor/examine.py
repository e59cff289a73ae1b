"""All checks in the order in which they depend on each other: what rests on something that failed is skipped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from confluent_kafka import KafkaException

from schemas.codec import CodecError
from schemas.registry import registry_of
from streams.app import group_of
from streams.broker.embedded import EmbeddedBroker
from streams.cluster import Cluster
from streams.doctor.broker import Reach, examine_broker, reachable
from streams.doctor.faults import open_transactions, owners, progress, replicas, stores
from streams.doctor.finding import Finding, Level, fail, ok, skip, warn
from streams.doctor.machine import examine_machine
from streams.doctor.release import form
from streams.doctor.running import dead_letters, lag, members, registry, this_worker
from streams.doctor.topics import examine_topics
from streams.doctor.workers import workers_here
from streams.engine.clients import PASSING
from streams.engine.errors import ConfigurationError
from streams.forms import FORMS
from streams.lookup.log import CommittedLog, ReadError
from streams.lookup.pipeline import input_topics, look
from streams.settings import Settings, SettingsError, load
from streams.topics import Topics, topics_of
from streams.upgrade.finish import UpgradeRefusedError, standing

_SECOND_LOOK_AFTER_S: Final = 3.0
_AWAY: Final = "a broker is down or starting, or the group's coordinator moves: look again in a moment; see its log"


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
    yield stores(settings)
    yield from _examine_workers(settings)
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


def _examine_workers(settings: Settings) -> Iterator[Finding]:
    """Those of this machine, whatever the broker does; where none has run, the one that the settings point to."""
    here = list(workers_here(settings.data_dir / "workers"))
    yield from here
    if not here:
        yield this_worker(settings)


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
    if has_schemas:
        try:
            cluster = cluster.followed()
        except (KafkaException, CodecError) as error:
            yield fail("generation", f"the generation in force cannot be read: {error}", "see `paystate replay status`")
            return
        settings = cluster.settings
    topics = topics_of(settings.generation, registry_of(settings.registry_url) if has_schemas else None)
    yield from examine_broker(reach.admin, settings)
    yield from _or_refused("topics", examine_topics(reach.admin, settings, topics))
    yield from _or_refused("replicas", _examine_log(cluster, reach, topics))
    yield from _or_refused("workers", _examine_pipeline(cluster, topics))
    yield from _or_refused("form", _examine_form(cluster))
    if has_schemas:
        yield from _or_refused("dead letters", _examine_dead_letters(cluster, topics))
    else:
        yield skip("dead letters", "the schema registry does not answer")


def _examine_log(cluster: Cluster, reach: Reach, topics: Topics) -> Iterator[Finding]:
    names = sorted({topic.kafka_name for topic in (getattr(topics, field.name) for field in fields(topics))})
    yield replicas(reach.admin, names)
    yield open_transactions(cluster.client, names, cluster.settings.engine.transaction_timeout_ms)


def _examine_pipeline(cluster: Cluster, topics: Topics) -> Iterator[Finding]:
    log = CommittedLog(cluster.client)
    now = look(cluster, log, group_of(cluster.settings), input_topics(topics))
    yield members(now)
    yield owners(now)
    yield lag(now)
    if now.behind and now.members:
        begun_s = time.monotonic()
        time.sleep(_SECOND_LOOK_AFTER_S)
        after = look(cluster, log, group_of(cluster.settings), input_topics(topics))
        yield progress(now, after, time.monotonic() - begun_s)


def _examine_form(cluster: Cluster) -> Iterator[Finding]:
    settings = cluster.settings
    try:
        yield form(standing(cluster.client, group_of(settings), settings.generation, FORMS))
    except (ConfigurationError, UpgradeRefusedError) as error:
        yield skip("form", str(error))


def _examine_dead_letters(cluster: Cluster, topics: Topics) -> Iterator[Finding]:
    yield dead_letters(CommittedLog(cluster.client), topics.dead_letters)


def _or_refused(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """A question that the broker refuses (rights, a missing topic) is a finding too, not the end of the examination."""
    try:
        yield from findings
    except KafkaException as error:
        cause = error.args[0]
        if cause.code() in PASSING:
            yield fail(name, f"no answer now: {cause.str()}", _AWAY)
        else:
            yield fail(name, f"the broker refuses: {cause.str()}", "give this user the right to describe and read")
    except CodecError as error:
        yield fail(name, str(error), "upgrade paystate, or set SCHEMA_REGISTRY_URL as the writers have it")
    except ReadError as error:
        yield skip(name, str(error))
