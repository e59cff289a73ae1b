"""The verification of a cluster: its topics, the stores of the workers on this machine, the settings in force."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from schemas.names import COPIED, topic_name
from schemas.registry import registry_of
from streams.agents.payment_rows import kept_of
from streams.app import group_of, normaliser_of, policy_of
from streams.forms import FORMS, Forms
from streams.quiet import Progress, await_quiet, lag
from streams.settings import Settings
from streams.verify.contracts import CLOCK, INPUTS, READ, Codecs
from streams.verify.read import KafkaLog
from streams.verify.report import Report
from streams.verify.stores import open_stores
from streams.verify.verifier import Rules, verify


def inputs_of(generation: int) -> list[str]:
    """The Kafka topics that the workers read."""
    return list(
        dict.fromkeys(topic_name(contract, number) for contract in INPUTS for number in _read_by(contract, generation))
    )


def _read_by(contract: str, generation: int) -> tuple[int, ...]:
    """What is copied is read itself too."""
    return (1, generation) if contract in COPIED else (generation,)


def rest(client: Mapping[str, Any], settings: Settings, within_s: float) -> None:
    """Wait until the workers have taken everything. Raises NotQuietError after ``within_s``."""
    await_quiet(client, group_of(settings), inputs_of(settings.generation), within_s, lambda: None)


def verify_cluster(client: Mapping[str, Any], settings: Settings, forms: Forms = FORMS) -> Report:
    """Read everything up to where it ends now. Raises ReadError, KafkaException, CodecError."""
    generation, group = settings.generation, group_of(settings)
    codecs = Codecs(generation, registry_of(settings.registry_url))
    report = Report()
    report.lag = sum(lag(client, group, inputs_of(generation)).values())
    # The clock before the ends: what workers have taken by now has its effects below them.
    rules = Rules(
        normaliser_of(settings).facts_of,
        partial(kept_of, forms=forms),
        policy_of(settings),
        codecs,
        settings.policy.orphan_grace_s,
        _taken(client, group, topic_name(CLOCK, generation)),
    )
    # Stores first: what they hold must be in the log, whose ends are asked for after them.
    stores = open_stores(settings.store_dir / group, report, settings.partitions if generation > 1 else None)
    with _no_search_for_cycles(), KafkaLog(client, generation, READ) as log:
        return verify(log, rules, stores, report)


def _taken(client: Mapping[str, Any], group: str, clock: str) -> dict[int, int]:
    """Where the workers are in each partition of the clock. Raises KafkaException."""
    with Progress(client, group, [clock]) as progress:
        return {partition: offset for (_, partition), offset in progress.committed(progress.ends()).items()}


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Nothing in here makes cycles; looking for some among millions of values costs a sixth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
