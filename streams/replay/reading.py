"""Which topics a generation reads. Another set of input topics is another topology, and that is a new generation.

The group's offsets say it, for as long as the generation lasts: a worker commits the first positions of all inputs of a
partition with the first unit of work that it does there. What all generations read is left out: a replay is given its
beginning there before any worker runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka.admin import AdminClient

from schemas.names import SHARED, generation_suffix
from streams.app import group_of
from streams.engine.clients import answer, wait_for_kafka
from streams.engine.errors import InfrastructureError
from streams.forms import Forms
from streams.quiet import Progress
from streams.settings import Settings
from streams.supervisor import NEVER_AGAIN
from streams.topics import inputs_of, topics_of

_OURS: Final = re.compile(r"payments\..+?(\.g\d+)?")
_TIMEOUT_S: Final = 30.0


class OtherTopologyError(InfrastructureError):
    """The generation reads other topics than this release. Starting it again cannot help: ``exit_status``."""

    exit_status = NEVER_AGAIN


def check_topology(client: Mapping[str, Any], settings: Settings, forms: Forms) -> None:
    """Raises OtherTopologyError if workers of this release would read other topics than the generation's do.

    Side by side they would split partitions between them, so that none of these runs; and what the generation has
    derived so far was derived from other topics. Kafka is waited for.
    """
    number = settings.generation
    known = answer(lambda: topics_read(client, settings), wait_for_kafka)
    own = {name for topic in inputs_of(topics_of(number)) if _is_derived(name := topic.kafka_name, number)}
    if not known or known == own:
        return
    more, less = ", ".join(sorted(own - known)), ", ".join(sorted(known - own))
    told = " and ".join([f"reads {more} too"] * bool(more) + [f"does not read {less}"] * bool(less))
    raise OtherTopologyError(
        f"generation {number} has other input topics than this paystate, {forms.release}, which {told}. Other input "
        "topics are a new generation: `paystate replay start` with this release makes it beside this one, and workers "
        "with its number in PAYSTATE_GENERATION run it. Until consumers are switched to it, go on here with the "
        "release before"
    )


def topics_read(client: Mapping[str, Any], settings: Settings) -> frozenset[str]:
    """The derived topics that the generation's workers read; none: they have not begun. Raises KafkaException."""
    found = AdminClient({**client, "log_level": 3}).list_topics(timeout=_TIMEOUT_S).topics
    names = [name for name in found if _is_derived(name, settings.generation)]
    if not names:
        return frozenset()
    with Progress(client, group_of(settings), names) as progress:
        committed = progress.committed((name, part) for name in names for part in found[name].partitions)
    return frozenset(topic for topic, _ in committed)


def inputs_now(client: Mapping[str, Any], settings: Settings, own: Iterable[str]) -> list[str]:
    """Of this release's inputs those that tell how far the generation is: it may be of a release that reads fewer."""
    known = topics_read(client, settings)
    return [name for name in own if not known or name in known or not _is_derived(name, settings.generation)]


def _is_derived(name: str, generation: int) -> bool:
    """Whether it is a topic of ours that only this generation has."""
    ours = _OURS.fullmatch(name)
    return ours is not None and name not in SHARED and (ours[1] or "") == generation_suffix(generation)
