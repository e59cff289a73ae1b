"""A member of the group: what it reads into its buffers, when it pauses, and what ends the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from streams.engine import EngineSettings, GroupProtocol, InfrastructureError, Topic
from streams.engine.buffers import InputBuffer, InputPartition
from streams.engine.consumer import GroupConsumer, InputKey
from streams.engine.errors import LostInput

from .fakes import FakeClients, FakeConsumer, Said, failure

TOPIC: Topic[bytes] = Topic("in", bytes, bytes)
PARTITIONS = [TopicPartition("in", 0), TopicPartition("in", 1)]


@dataclass
class Told:
    """What was said of assignments."""

    events: list[Any] = field(default_factory=list)

    def assigned(self, inputs: Sequence[InputKey]) -> None:
        self.events.append(("assigned", *inputs))

    def revoked(self, inputs: Sequence[InputKey], *, lost: bool) -> None:
        self.events.append(("lost" if lost else "revoked", *inputs))


@dataclass
class Member:
    """A consumer under test, its client and its clock."""

    consumer: GroupConsumer
    clients: FakeClients
    told: Told
    now_s: list[float]

    @property
    def client(self) -> FakeConsumer:
        return self.clients.consumers[-1]

    def poll(self, *coming: Any, most: int = 10) -> None:
        """Poll until all that is coming was taken."""
        self.client.coming.extend(coming)
        while self.client.coming:
            self.consumer.poll(self.now_s[0], 1.0, most)

    def reads(self, partition: int = 0, position: int = 0) -> InputBuffer:
        buffer = InputBuffer(TOPIC, 0, partition, position)
        assert self.consumer.read([InputPartition("in", partition, {"stage": buffer})])
        return buffer


@pytest.fixture
def join(tmp_path: Path) -> Callable[..., Member]:
    def make(**changes: Any) -> Member:
        settings = EngineSettings(
            client={"bootstrap.servers": "x"},
            group_id="g",
            transactional_id="t",
            data_dir=tmp_path,
            partitions=2,
            input_buffer_bytes=2_000,
            **changes,
        )
        clients, told, now_s = FakeClients(), Told(), [0.0]

        def clock() -> float:
            now_s[0] += 0.01
            return now_s[0]

        consumer = GroupConsumer(settings, clients, ["in"], told, clock)
        consumer.join()
        return Member(consumer, clients, told, now_s)

    return make


def end(offset: int, code: int = KafkaError._PARTITION_EOF) -> Said:
    return Said(offset_=offset, error_=KafkaError(code))


def test_new_partitions_are_paused_and_told_and_read_only_from_where_they_are_sought(
    join: Callable[..., Member],
) -> None:
    member = join()
    member.poll(lambda client: client.callbacks["on_assign"](client, PARTITIONS))
    assert member.client.calls[1:] == [
        ("incremental_assign", ("in", 0), ("in", 1)),
        ("pause", ("in", 0), ("in", 1)),
    ]
    assert member.told.events == [("assigned", ("in", 0), ("in", 1))]
    member.poll([Said(offset_=3)])
    buffer = member.reads(position=7)
    assert member.client.calls[3:] == [("seek", "in", 0, 7), ("resume", ("in", 0))]
    member.poll([Said(offset_=6), Said(offset_=7), Said(partition_=1, offset_=1)])
    assert [record.offset for record in buffer.records] == [7]


@pytest.mark.parametrize(
    ("begins", "at"), [((0, 9), 0), ((7, 9), 7), ((-1001, -1001), 0), (failure(KafkaError._TIMED_OUT), 0)]
)
def test_an_assignment_begins_at_a_number_that_the_log_has(join: Callable[..., Member], begins: Any, at: int) -> None:
    """Asked for by librdkafka, an offset can come after the seek and override it; below the log no seek is possible."""
    member, placed = join(), list[int]()
    member.client.begins = begins
    member.client.__dict__["incremental_assign"] = lambda parts: placed.extend(tp.offset for tp in parts)
    member.poll(lambda client: client.callbacks["on_assign"](client, PARTITIONS))
    assert placed == [at, at]


def test_a_broker_that_is_away_holds_an_assignment_up_once_and_not_for_each_partition(
    join: Callable[..., Member],
) -> None:
    """Nothing is folded meanwhile: 36 partitions of one broker took longer than a call may that is thought to hang."""
    member, asked_s = join(), list[float]()

    def wait_in_vain(_partition: Any, timeout: float) -> None:
        asked_s.append(timeout)
        member.now_s[0] += timeout

    member.client.__dict__["get_watermark_offsets"] = wait_in_vain
    partitions = [TopicPartition("in", number) for number in range(36)]
    member.poll(lambda client: client.callbacks["on_assign"](client, partitions))
    assert sum(asked_s) <= 2.0
    assert member.told.events == [("assigned", *(("in", number) for number in range(36)))]


def test_a_partition_that_is_not_ready_to_be_sought_is_asked_again(join: Callable[..., Member]) -> None:
    member = join()
    member.client.seek_fails = failure(KafkaError._STATE)
    buffer = InputBuffer(TOPIC, 0, 0, 0)
    assert not member.consumer.read([InputPartition("in", 0, {"stage": buffer})])
    member.poll([Said()])
    assert not buffer.records


def test_what_was_revoked_is_read_no_more(join: Callable[..., Member]) -> None:
    member = join()
    buffer = member.reads()
    member.poll([Said(offset_=0)], lambda client: client.callbacks["on_revoke"](client, PARTITIONS[:1]))
    member.poll([Said(offset_=1)])
    assert len(buffer.records) == 1
    assert member.told.events == [("revoked", ("in", 0))]
    assert member.client.calls[-1] == ("incremental_unassign", ("in", 0))


def test_a_classic_group_takes_and_gives_everything_at_once(join: Callable[..., Member]) -> None:
    member = join(group_protocol=GroupProtocol.CLASSIC)
    member.poll(lambda client: client.callbacks["on_assign"](client, PARTITIONS))
    member.poll(lambda client: client.callbacks["on_lost"](client, PARTITIONS))
    assert [call for call, *_ in member.client.calls] == ["subscribe", "assign", "pause", "unassign"]
    assert member.told.events[-1][0] == "lost"


#: As librdkafka says it: the cause of a fatal error is in its text alone.
FATAL = "Fatal error: {0}: ConsumerGroupHeartbeat fatal error: {0}"


def fatal(cause: int) -> KafkaError:
    return KafkaError(KafkaError._FATAL, FATAL.format(KafkaError(cause).str()))


def test_a_broker_without_kip_848_gets_a_classic_member(join: Callable[..., Member]) -> None:
    member = join()
    first = member.client
    assert first.config["group.protocol"] == "consumer"
    member.poll([Said(error_=fatal(KafkaError.UNSUPPORTED_VERSION))])
    assert first.is_closed
    assert member.client.config["group.protocol"] == "classic"
    assert member.consumer.protocol is GroupProtocol.CLASSIC


@pytest.mark.parametrize(
    ("protocol", "cause"),
    [
        (GroupProtocol.AUTO, KafkaError.GROUP_AUTHORIZATION_FAILED),
        (GroupProtocol.CONSUMER, KafkaError.UNSUPPORTED_VERSION),
    ],
)
def test_a_fatal_error_in_an_event_ends_the_process(
    join: Callable[..., Member], protocol: GroupProtocol, cause: int
) -> None:
    """Its flag is not set there; the consumer would be silent for ever."""
    member = join(group_protocol=protocol)
    with pytest.raises(InfrastructureError, match="cannot go on"):
        member.poll([Said(error_=fatal(cause))])


def test_a_full_input_is_paused_and_resumed_when_it_is_half_empty(join: Callable[..., Member]) -> None:
    member = join()
    buffer = member.reads()
    member.poll([Said(offset_=number) for number in range(3)])
    assert member.client.calls[-1][0] == "resume"
    member.poll([Said(offset_=3)])
    assert member.client.calls[-1] == ("pause", ("in", 0))
    buffer.advance(1, 1)
    member.consumer.resume_drained()
    assert member.client.calls[-1][0] == "pause"
    buffer.advance(2, 3)
    member.consumer.resume_drained()
    assert member.client.calls[-1] == ("resume", ("in", 0))


def test_many_inputs_have_a_share_each_of_what_all_may_hold(join: Callable[..., Member]) -> None:
    member = join(all_buffers_bytes=2_400)
    member.reads(0)
    second = member.reads(1)
    member.poll([Said(offset_=0), Said(partition_=1, offset_=0)])
    assert member.client.calls[-1][0] == "resume", "two records of some 600 bytes are a share"
    member.poll([Said(partition_=1, offset_=1)])
    assert member.client.calls[-1] == ("pause", ("in", 1))
    second.advance(2, 2)
    member.consumer.resume_drained()
    assert member.client.calls[-1] == ("resume", ("in", 1))


def test_the_end_is_behind_markers(join: Callable[..., Member]) -> None:
    member = join()
    buffer = member.reads()
    member.poll([Said(offset_=0), end(5)])
    assert buffer.position_after(1) == 5


def test_records_that_retention_deleted_unread_end_the_process(join: Callable[..., Member]) -> None:
    member = join()
    member.reads(position=7)
    with pytest.raises(LostInput, match="deleted before they were read"):
        member.poll([end(7, KafkaError._AUTO_OFFSET_RESET)])


def test_a_partition_whose_log_a_new_leader_cannot_vouch_for_ends_the_process_with_a_reason(
    join: Callable[..., Member],
) -> None:
    """Such an event has no offset. Found by the chaos suite when it killed one broker of three."""
    member = join()
    member.reads(position=7)
    event = Said(error_=KafkaError(KafkaError._AUTO_OFFSET_RESET))
    event.__dict__["offset"] = lambda: None
    with pytest.raises(InfrastructureError, match=r"in\[0\] cannot be read on"):
        member.poll([event])


def test_an_echo_of_before_the_seek_is_not_lost_input(join: Callable[..., Member]) -> None:
    member = join()
    buffer = member.reads(position=7)
    member.poll([end(0, KafkaError._AUTO_OFFSET_RESET), Said(offset_=7)])
    assert len(buffer.records) == 1


def test_a_rebalance_that_fails_half_way_ends_the_process(join: Callable[..., Member]) -> None:
    """Taken for a passing error of the poll it would leave a partition that nobody reads."""
    member = join()
    member.client.pause_fails = failure(KafkaError._UNKNOWN_PARTITION)
    with pytest.raises(InfrastructureError, match="rebalance"):
        member.poll(lambda client: client.callbacks["on_assign"](client, PARTITIONS))


def test_a_passing_error_is_only_logged_and_a_fatal_one_ends_the_process(join: Callable[..., Member]) -> None:
    member = join()
    member.poll(failure(KafkaError._TRANSPORT), [end(0, KafkaError.NOT_LEADER_FOR_PARTITION)])
    with pytest.raises(InfrastructureError, match="cannot go on"):
        member.poll(failure(KafkaError.FENCED_INSTANCE_ID, fatal=True))


def test_a_closed_consumer_still_answers_questions(join: Callable[..., Member]) -> None:
    """A page may ask while the worker stops."""
    member = join()
    member.poll([])
    member.client.close()
    assert member.consumer.member_id == "member"
    member.consumer.leave()
    assert member.consumer.end_offset("in", 0) is None
