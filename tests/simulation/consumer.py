"""A consumer over the model: positions, pauses, rebalances within consume(), heartbeats behind its user's back."""

# ruff: noqa: ARG002 -- the parameters are those of what it stands for

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, TopicPartition

from streams.engine.clients import Config
from tests.engine.fakes import Said, failure

from .group import NOBODY, Answer, Place, UnknownMember
from .log import OffsetGone
from .surroundings import Surroundings

_END = KafkaError._PARTITION_EOF


def places(partitions: list[Any]) -> list[Place]:
    return [(tp.topic, tp.partition) for tp in partitions]


class ModelConsumer:
    """A consumer: positions, pauses, rebalance callbacks within consume(), heartbeats behind its user's back."""

    def __init__(self, process: Surroundings, config: Config, members: list[ModelConsumer]) -> None:
        self._process = process
        self._scheduler = process.scheduler
        self._broker = process.broker
        self._committed_only = config["isolation.level"] == "read_committed"
        self._reset = config["auto.offset.reset"]
        self._is_classic = config["group.protocol"] == "classic"
        self._members = members
        self._positions: dict[Place, int] = {}
        self._asked: dict[Place, int] = {}
        self._paused: set[Place] = set()
        self._told_end: dict[Place, int] = {}
        self._callbacks: dict[str, Any] = {}
        # -- membership
        self.owned: set[Place] = set()
        self._operations: list[tuple[str, list[Place]]] = []
        self.member = NOBODY
        self._waits = False
        self._seen = -1
        #: At which count of news there was nothing to fetch.
        self._quiet_at = -1
        self._is_closed = False
        #: A consumer that has met a fatal error says nothing more and is no member.
        self.is_fatal = False

    # -- membership, as librdkafka's own thread keeps it

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        del topics
        self._callbacks = callbacks
        self._members.append(self)
        if not self._is_classic:
            self.member = (self._process.new_member_id(), 0)

    @property
    def has_news(self) -> bool:
        """Whether a heartbeat would tell or be told anything."""
        return (
            not self._is_closed
            and not self.is_fatal
            and not self._operations
            and self._seen != self._broker.group.version
        )

    @property
    def is_member(self) -> bool:
        """Whether the group counts it."""
        return not self.is_fatal and self.member[0] in self._broker.group.members

    def heartbeat(self) -> None:
        """One exchange with the coordinator. What it changes for the user is queued for the next consume()."""
        group, before = self._broker.group, self._broker.group.version
        member_id, epoch = self.member
        try:
            if not member_id:
                member_id = self._process.new_member_id()
                self._join(member_id)
            elif not self._is_classic and epoch == 0 and not self.is_member:
                group.join(member_id)
            epoch, answer = group.heartbeat(self.member[0], self.member[1], None if self._operations else self.owned)
        except UnknownMember:
            self._lose()
            return
        if answer is Answer.GIVE_UP_ALL:
            if self.owned:
                self._operations.append(("on_revoke", sorted(self.owned)))
            else:
                self._join(self.member[0])
        elif not isinstance(answer, Answer):
            self.member = (self.member[0], epoch)
            self._waits = False
            self._change(answer)
        if group.version == before:
            self._seen = before
        self._scheduler.news()

    def _join(self, member_id: str) -> None:
        self.member = (member_id, self.member[1] if member_id == self.member[0] else -1)
        self._waits = True
        self._broker.group.join(member_id)

    def _change(self, assignment: set[Place]) -> None:
        gone, come = self.owned - assignment, assignment - self.owned
        if gone:
            self._operations.append(("on_revoke", sorted(gone)))
        elif come:
            self._operations.append(("on_assign", sorted(come)))

    def _lose(self) -> None:
        """The group has moved on without it. A classic member forgets its id at once, but not its generation.

        Both protocols so keep what a coordinator refuses: without either, offsets in a transaction are not validated.
        """
        if self._is_classic:
            self.member = ("", self.member[1])
        self._operations.clear()
        if self.owned:
            self._operations.append(("on_lost", sorted(self.owned)))
        else:
            self._begin_anew()
        self._scheduler.news()

    def _begin_anew(self) -> None:
        """Its user knows that all is lost: now it may join again."""
        if not self._is_classic:
            self.member = (self.member[0], 0)

    def _serve(self) -> None:
        call, keys = self._operations[0]
        partitions = [TopicPartition(topic, number) for topic, number in keys]
        try:
            self._callbacks[call](self, partitions)
        finally:
            # Until its user has done with it, nothing further is asked or told.
            del self._operations[:1]
        if call == "on_lost":
            self._begin_anew()
        elif call == "on_revoke" and self._is_classic and not self._is_closed and self.member[0]:
            if self.is_member:
                self._join(self.member[0])
            else:
                self._lose()
        self._seen = -1

    # -- what the user calls

    def consume(self, num_messages: int, timeout: float) -> list[Any]:
        flavour = self._process.enter("consume")
        if flavour == "fatal":
            self._process.excuse("InfrastructureError")
            self._process.excuse("KafkaException")  # of a restore's consumer
            self.is_fatal = True
            raise failure(KafkaError._FENCED, fatal=True)
        if self.is_fatal:
            self._scheduler.give_way(self._scheduler.now_s + timeout)
            return []
        if flavour:
            return [Said("", -1, error_=KafkaError(KafkaError._TRANSPORT))]
        give_up_s = self._scheduler.now_s + timeout
        while True:
            if self._operations:
                self._serve()
                return []
            if messages := self._fetch(num_messages):
                return messages
            if self._scheduler.now_s >= give_up_s:
                return []
            self._scheduler.give_way(give_up_s, listens=True)

    def _fetch(self, most: int) -> list[Any]:
        if self._quiet_at == self._scheduler.news_count:
            return []
        random = self._scheduler.random
        for place in [place for place in self._asked if random.random() < 0.5]:
            # The broker's answer to "where does it end" comes when it comes, and then it is the position.
            self._positions[place] = self._offset_of(place, self._asked.pop(place))
        keys = [place for place in self._positions if place not in self._paused and place not in self._asked]
        random.shuffle(keys)
        found: list[Any] = []
        count = self._scheduler.news_count
        for place in keys:
            if len(found) >= most or (found and random.random() < 0.4):
                break
            found += self._fetch_one(place, random.randint(1, max(1, most - len(found))))
        if not found and not self._asked:
            self._quiet_at = count
        return found[:most]

    def _fetch_one(self, place: Place, most: int) -> list[Any]:
        log, before = self._broker.log(place), self._positions[place]
        topic, number = place
        try:
            entries, position = log.read(before, most, committed=self._committed_only)
        except OffsetGone as gone:
            if self._reset == "earliest":
                self._positions[place] = log.begin
                return []
            if self._told_end.get(place) == -1 - before:
                return []
            self._told_end[place] = -1 - before
            return [Said(topic, number, before, error_=KafkaError(KafkaError._AUTO_OFFSET_RESET, str(gone)))]
        found = [Said(topic, number, entry.offset, entry.key, entry.value, entry.ms) for entry in entries]
        limit = log.last_stable if self._committed_only else log.end
        if len(found) == most:
            position = entries[-1].offset + 1
        self._positions[place] = position
        if position == limit and self._told_end.get(place) != position and len(found) < most:
            self._told_end[place] = position
            found.append(Said(topic, number, position, error_=KafkaError(_END)))
        return found

    def _offset_of(self, place: Place, wanted: int) -> int:
        log = self._broker.log(place)
        return log.begin if wanted == -2 else log.last_stable

    def assign(self, partitions: list[Any]) -> None:
        self._positions.clear()
        self._take(partitions)

    def incremental_assign(self, partitions: list[Any]) -> None:
        self._take(partitions)

    def _take(self, partitions: list[Any]) -> None:
        self._quiet_at = -1
        for tp in partitions:
            place = (tp.topic, tp.partition)
            if tp.offset < 0:
                self._asked[place] = tp.offset
            self._positions[place] = max(0, tp.offset)
            self._told_end.pop(place, None)
            if self._callbacks:
                self.owned.add(place)

    def incremental_unassign(self, partitions: list[Any]) -> None:
        for place in places(partitions):
            self._positions.pop(place, None)
            self._asked.pop(place, None)
            self._paused.discard(place)
            self.owned.discard(place)

    def unassign(self) -> None:
        self._positions.clear()
        self._asked.clear()
        self._paused.clear()
        self.owned.clear()

    def pause(self, partitions: list[Any]) -> None:
        self._paused.update(places(partitions))

    def resume(self, partitions: list[Any]) -> None:
        self._paused.difference_update(places(partitions))
        self._quiet_at = -1

    def seek(self, partition: Any) -> None:
        if self._process.enter("seek"):
            raise failure(KafkaError._STATE)
        place = (partition.topic, partition.partition)
        if place not in self._positions:
            raise failure(KafkaError._STATE)
        self._positions[place] = partition.offset
        self._told_end.pop(place, None)
        self._quiet_at = -1

    def committed(self, partitions: list[Any], timeout: float) -> list[Any]:
        if self._process.enter("committed"):
            raise failure(KafkaError._TRANSPORT)
        offsets, give_up_s = self._broker.offsets, self._scheduler.now_s + timeout
        # As librdkafka does: only a reader of committed records requires stable offsets.
        while self._committed_only and not all(offsets.is_stable(place) for place in places(partitions)):
            if self._scheduler.now_s >= give_up_s:
                raise failure(KafkaError._TIMED_OUT)
            self._scheduler.give_way(give_up_s, listens=True)
        answers = []
        for topic, number in places(partitions):
            offset, metadata = offsets.committed.get((topic, number), (-1001, ""))
            answers.append(TopicPartition(topic, number, offset, metadata))
        return answers

    def consumer_group_metadata(self) -> Any:
        self._process.enter("metadata")
        return self.member

    def get_watermark_offsets(self, partition: Any, timeout: float = -1, cached: bool = False) -> tuple[int, int]:
        if not cached and self._process.enter("watermarks"):
            raise failure(KafkaError._TIMED_OUT)
        log = self._broker.log((partition.topic, partition.partition))
        return log.begin, log.last_stable

    def memberid(self) -> str:
        return self.member[0]

    def close(self) -> None:
        """Leave the group: what is still owned is revoked first, or was lost."""
        if self._is_closed or self._process.is_dead:
            return
        self._is_closed = True
        if not self._callbacks:
            return
        self._process.enter("close")
        lost = any(call == "on_lost" for call, _ in self._operations)
        self._operations = [("on_lost" if lost else "on_revoke", sorted(self.owned))] if self.owned else []
        if self._operations:
            self._serve()
        self._broker.group.leave(self.member[0])
        self._members.remove(self)
        self._scheduler.news()
