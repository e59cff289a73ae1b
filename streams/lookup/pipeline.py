"""Whether what has arrived has also been worked on: the workers' group, its members and how far it is behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.cluster import Cluster
from streams.lookup.log import CommittedLog
from streams.offsets import Place
from streams.quiet import Progress
from streams.topics import Topics, inputs_of

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Member:
    """One worker in the group, how many input partitions it has, and which."""

    client_id: str
    host: str
    partitions: int
    owns: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The workers' group as the broker sees it. ``positions``: the next offset to be read, by input partition."""

    group: str
    state: str
    members: tuple[Member, ...]
    positions: Mapping[Place, int]
    lag: Mapping[Place, int]

    @property
    def behind(self) -> int:
        """Records that no worker has taken yet."""
        return sum(self.lag.values())

    @property
    def advice(self) -> str | None:
        """What to do so that the answer becomes complete; None if it is."""
        if not self.members and self.behind:
            return f"no worker runs and {self.behind} records wait: start one with `paystate worker`"
        if self.behind:
            return f"the workers are {self.behind} records behind: look again in a moment"
        if not self.members:
            return "no worker runs: start one with `paystate worker` before more comes in"
        return None


def input_topics(topics: Topics) -> list[str]:
    """Kafka names of what the agents of streams/app.py read, but for ticks: nobody waits for what becomes of those."""
    return [topic.kafka_name for topic in inputs_of(topics) if topic.ticks is None]


def look(cluster: Cluster, log: CommittedLog, group: str, topics: Sequence[str]) -> Pipeline:
    """The group now. A group that nobody has joined yet has read nothing. Raises ReadError, KafkaException."""
    places = log.places(*topics)
    with Progress(cluster.client, group, list(topics)) as progress:
        committed = progress.committed(places)
    positions = log.beginnings(place for place in places if place not in committed) | committed
    lag = {place: max(end - positions[place], 0) for place, end in log.ends(places).items()}
    admin = cluster.admin()  # held until it has answered: it takes its questions with it
    described = admin.describe_consumer_groups([group])[group].result(_TIMEOUT_S)
    members = tuple(_member(row.client_id, row.host, row.assignment.topic_partitions) for row in described.members)
    return Pipeline(group, described.state.name.lower(), members, positions, lag)


def _member(client_id: str, host: str, assigned: Sequence[Any]) -> Member:
    return Member(client_id, host.lstrip("/"), len(assigned), frozenset((tp.topic, tp.partition) for tp in assigned))
