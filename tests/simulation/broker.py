"""Kafka as the engine can tell it from outside: topics, the transaction coordinator, the group's offsets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from .group import ClassicGroup, Group, IncrementalGroup, Offsets, Place
from .log import Fate, Log, Txn

DAY_MS = 86_400_000


class Fenced(Exception):  # noqa: N818 - Kafka's name for it
    """A newer producer has the transactional id, or the coordinator has timed the transaction out."""


class Busy(Exception):  # noqa: N818 - it names the state
    """CONCURRENT_TRANSACTIONS: the last transaction's markers are still being written."""


class WrongState(Exception):  # noqa: N818 - it names the state
    """INVALID_TXN_STATE: there is no such transaction, or it has ended the other way."""


@dataclass
class Topic:
    """A topic and its partitions. `topic_id` tells it from a namesake."""

    name: str
    topic_id: str
    logs: list[Log]
    is_compacted: bool
    tombstones_kept_ms: int = 7 * DAY_MS


@dataclass
class Coordinated:
    """What the coordinator knows of a transactional id."""

    epoch: int = 0
    txn: Txn | None = None
    started_s: float = 0.0
    places: list[Place] = field(default_factory=list)
    has_offsets: bool = False
    #: How the last transaction ended: the same request again gets the same answer.
    ended: Fate | None = None
    #: Whether the coordinator itself has raised the epoch, so that the producer may go on after an abort.
    timed_out: bool = False


@dataclass
class Marker:
    """To be written, at any time after the decision, to a partition or (None) to the group's offsets."""

    txn: Txn
    place: Place | None


class Broker:
    """Answers at once; when what comes to pass is the scheduler's choice."""

    def __init__(self, inputs: Sequence[str], others: Sequence[str], compacted: Sequence[str], partitions: int) -> None:
        self._names = (list(inputs), list(others), list(compacted))
        self.partitions = partitions
        self._ids = itertools.count(1)
        self.topics: dict[str, Topic] = {}
        self.create_topics()
        self.producers: dict[str, Coordinated] = {}
        self.markers: list[Marker] = []
        self.offsets = Offsets()
        self.input_places = [(topic, number) for topic in sorted(inputs) for number in range(partitions)]
        self.group: Group = IncrementalGroup(self.input_places, partitions)

    def create_topics(self) -> None:
        """Make all topics, or make them anew: other topics of the same names."""
        inputs, others, compacted = self._names
        for name in [*inputs, *others, *compacted]:
            logs = [Log() for _ in range(self.partitions)]
            self.topics[name] = Topic(name, f"id-{next(self._ids)}", logs, name in compacted)

    def use_classic_group(self) -> None:
        """As a broker before 4.0 does."""
        self.group = ClassicGroup(self.input_places, self.partitions)

    def log(self, place: Place) -> Log:
        """A partition."""
        return self.topics[place[0]].logs[place[1]]

    # -- the transaction coordinator

    def claim(self, transactional_id: str) -> int:
        """A new epoch of the id. Busy until what its predecessor left open is aborted and marked."""
        known = self.producers.setdefault(transactional_id, Coordinated())
        if known.txn is not None:
            self._decide(known, Fate.ABORTED)
        if self.is_completing(transactional_id):
            raise Busy
        known.epoch += 1
        known.ended, known.timed_out = None, False
        return known.epoch

    def is_completing(self, transactional_id: str) -> bool:
        """Whether markers of its last transaction are still to be written."""
        return any(marker.txn.transactional_id == transactional_id for marker in self.markers)

    def _current(self, transactional_id: str, epoch: int) -> Coordinated:
        known = self.producers[transactional_id]
        if known.epoch != epoch:
            raise Fenced
        return known

    def _open(self, transactional_id: str, epoch: int, now_s: float) -> Coordinated:
        known = self._current(transactional_id, epoch)
        if known.txn is None:
            if self.is_completing(transactional_id):
                raise Busy
            known.txn, known.started_s = Txn(transactional_id, epoch), now_s
            known.places, known.has_offsets, known.ended = [], False, None
        return known

    def append(
        self,
        transactional_id: str,
        epoch: int,
        place: Place,
        record: tuple[bytes | None, bytes | None, int],
        now_s: float,
    ) -> int:
        """Produce a record within the producer's transaction, which begins with its first request. Its offset."""
        known = self._open(transactional_id, epoch, now_s)
        if place not in known.places:
            known.places.append(place)
        return self.log(place).append(*record, known.txn)

    def send_offsets(
        self,
        transactional_id: str,
        epoch: int,
        offsets: dict[Place, tuple[int, str]],
        member: tuple[str, int],
        now_s: float,
    ) -> None:
        """Offsets within the transaction; refused if the member is not of the group's current epoch."""
        known = self._open(transactional_id, epoch, now_s)
        assert known.txn is not None
        known.has_offsets = True
        self.group.validate(*member)
        self.offsets.pending.setdefault(known.txn, {}).update(offsets)

    def end(self, transactional_id: str, epoch: int, fate: Fate) -> None:
        """Commit or abort. The decision is final at once; markers follow."""
        known = self._current(transactional_id, epoch)
        if known.txn is None:
            if known.ended not in (None, fate):
                raise WrongState
            known.ended = fate
            return
        self._decide(known, fate)

    def time_out(self, transactional_id: str) -> None:
        """Abort what has been open for too long, and fence whoever began it."""
        known = self.producers[transactional_id]
        self._decide(known, Fate.ABORTED)
        known.epoch += 1
        known.timed_out = True

    def _decide(self, known: Coordinated, fate: Fate) -> None:
        assert known.txn is not None
        known.txn.fate = known.ended = fate
        self.markers += [Marker(known.txn, place) for place in known.places]
        if known.has_offsets:
            self.markers.append(Marker(known.txn, None))
        known.txn = None

    def write(self, marker: Marker, now_ms: int) -> dict[Place, tuple[int, str]]:
        """Write one marker. The group's offsets that count from now on."""
        self.markers.remove(marker)
        if marker.place is None:
            return self.offsets.mark(marker.txn)
        self.log(marker.place).mark(marker.txn, now_ms)
        return {}

    @property
    def is_quiet(self) -> bool:
        """Whether no transaction is open or waits for markers."""
        return not self.markers and all(known.txn is None for known in self.producers.values())
