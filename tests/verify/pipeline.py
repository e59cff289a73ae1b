"""The four agents over plain dictionaries and lists: a whole, correct log of a company, without a broker.

Records of all topics are taken one at a time, in the order in which they were written; every record is a unit.
"""

from __future__ import annotations

import bisect
import io
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from connectors.contract import FileEnd
from connectors.formats import InstalledFormats
from connectors.intake.archive import Archived
from connectors.intake.messages import Origin
from connectors.intake.reading import Request, read_to_end
from connectors.intake.spool import Spool
from schemas.names import topic_name
from schemas.records import ClockTick, DeadLetter, Raw
from streams.agents import correlate, duplicates, lifecycle, normalise
from streams.agents.accounts import Accounts
from streams.agents.payment_rows import PaymentRows
from streams.domain.identity import stable_id
from streams.domain.payment import Context
from streams.domain.policy import Policy
from streams.engine import AGAIN, BadRecord, Topic, partition_of
from streams.simulator.said import Body, File, Said
from streams.topics import Topics, topics_of
from streams.verify.due import DUE_OF
from streams.verify.read import Row

PARTITIONS = 3
ACCOUNTS = Accounts(b"k" * 32)
WITHIN_S = GRACE_S = 60
POLICY = Policy(acknowledgement_within_s=WITHIN_S)
CLOCK = "payments.clock.v1"
_BEGIN_US = 1_767_600_000_000_000
_TICK_US = 1_000


@dataclass
class MemoryLog:
    """Topics by contract, each with its rows; the log that the verifier reads, and that tests damage."""

    topics: dict[str, list[Row]] = field(default_factory=dict)
    _ends: Counter[tuple[str, int]] = field(default_factory=Counter)

    def rows(self, contract: str) -> list[Row]:
        return list(self.topics.get(contract, ()))

    def topic_name(self, contract: str) -> str:
        return topic_name(contract)

    def topic_id(self, contract: str) -> str:
        return f"id of {contract}"

    def append(
        self, contract: str, key: bytes, value: bytes | None, timestamp_us: int, partition: int | None = None
    ) -> Row:
        """Without a partition, the one of the key."""
        if partition is None:
            partition = partition_of(key, PARTITIONS)
        row = Row(topic_name(contract), partition, self._ends[contract, partition], timestamp_us, key, value)
        self._ends[contract, partition] += 1
        self.topics.setdefault(contract, []).append(row)
        return row


class _Table:
    """Rows of one partition that are decoded at every look, as after a restart."""

    def __init__(self, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]) -> None:
        self._encode, self._decode = encode, decode
        self.rows: dict[str, bytes] = {}
        self.dirty: dict[str, bytes] = {}
        self._order: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        data = self.rows.get(key)
        return default if data is None else self._decode(data)

    def __getitem__(self, key: str) -> Any:
        return self._decode(self.rows[key])

    def __contains__(self, key: str) -> bool:
        return key in self.rows

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self.rows:
            bisect.insort(self._order, key)
        self.rows[key] = self.dirty[key] = self._encode(value)

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[tuple[str, Any]]:
        start = bisect.bisect_left(self._order, prefix)
        found = []
        for key in self._order[start:]:
            if not key.startswith(prefix):
                break
            if after is None or key > after:
                found.append((key, self._decode(self.rows[key])))
        return iter(found)


@dataclass
class _Message:
    data: bytes | None

    def value(self) -> bytes | None:
        return self.data


@dataclass
class _Record:
    """What a handler asks of a record."""

    row: Row
    source: Topic[Any]
    value: Any

    @property
    def key(self) -> str:
        return (self.row.key or b"").decode()

    @property
    def topic(self) -> str:
        return self.source.name

    @property
    def partition(self) -> int:
        return self.row.partition

    @property
    def offset(self) -> int:
        return self.row.offset

    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]:
        return ()

    @property
    def timestamp_us(self) -> int:
        return self.row.timestamp_us

    @property
    def message(self) -> _Message:
        return _Message(self.row.value)

    def place(self) -> str:
        return self.row.place


class _Outbox:
    """Collects what one record sends."""

    def __init__(self, topics: Topics, stage: str) -> None:
        self._topics, self._stage = topics, stage
        self.sent: list[tuple[str, bytes, bytes | None]] = []
        self.is_full = False

    def send(self, topic: Topic[Any], key: str, value: Any) -> None:
        self.sent.append((topic.name, key.encode(), None if value is None else topic.encode(value)))

    def note(self, item: object) -> None:
        del item

    def dead_letter(self, record: _Record, error: Exception) -> None:
        row = record.row
        letter = DeadLetter(
            stage=self._stage,
            error_class=type(error).__name__,
            reason_class=error.reason_class if isinstance(error, BadRecord) else "handler_error",
            message=str(error),
            source_topic=row.topic,
            source_partition=row.partition,
            source_offset=row.offset,
            source_timestamp_ms=row.timestamp_us // 1_000,
            key=row.key,
            value=row.value,
            headers=(),
            attempts=1,
            failed_at=row.timestamp_us,
            trace_id="",
        )
        self.send(self._topics.dead_letters, record.key, letter)


@dataclass
class _Agent:
    name: str
    handler: Callable[..., Any]
    table: str
    changelog: Topic[Any]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    due: Callable[..., Any] | None = None
    tables: dict[int, _Table] = field(default_factory=dict)

    def table_of(self, partition: int) -> _Table:
        return self.tables.setdefault(partition, _Table(self.encode, self.decode))


class Pipeline:
    """Feed it, then look at ``log``."""

    def __init__(self, formats: InstalledFormats) -> None:
        self.log = MemoryLog()
        self.topics = topics_of(1)
        self.formats = formats
        self.normaliser = normalise.Normaliser(formats, ACCOUNTS, 3)
        self._now_us = _BEGIN_US
        self._agents = self._wired()
        self._sources = {topic.name: topic for topic in _all(self.topics)}
        self._files: set[bytes] = set()
        self._left: deque[tuple[str, Row]] = deque()

    def _wired(self) -> dict[str, _Agent]:
        topics, payments = self.topics, PaymentRows(self.topics.state, Context(POLICY, 1))
        rows = (
            ("normalise", normalise.normalise(topics, self.normaliser, 1), "files-seen", topics.files_seen),
            ("correlate", correlate.correlate(topics, 1, GRACE_S * 1_000_000), "references", topics.references_state),
            ("lifecycle", lifecycle.lifecycle(topics, POLICY, 1), "payments", topics.state),
            ("duplicates", duplicates.duplicates(topics, 1), "duplicates", topics.duplicates_state),
        )
        codecs: dict[str, Any] = {
            "normalise": normalise.ROWS,
            "correlate": correlate.ROWS,
            "lifecycle": payments,
            "duplicates": duplicates.ROWS,
        }
        agents = {
            name: _Agent(name, handler, table, changelog, codecs[name].encode, codecs[name].decode)
            for name, handler, table, changelog in rows
        }
        agents["correlate"].due = correlate.on_tick(topics, 1)
        agents["lifecycle"].due = lifecycle.overdue(topics, POLICY, 1)
        facts: tuple[Topic[Any], ...] = (topics.approvals, topics.releases, topics.bank_acks, topics.reconciliations)
        inputs: dict[str, tuple[Topic[Any], ...]] = {
            "normalise": (topics.raw,),
            "correlate": (topics.references,),
            "lifecycle": (*facts, topics.commands, topics.verdicts),
            "duplicates": (topics.fingerprints,),
        }
        return {topic.name: agents[name] for name, sources in inputs.items() for topic in sources}

    def tables(self, table: str) -> dict[int, dict[bytes, bytes]]:
        """What a worker's stores hold of one table, by partition."""
        agent = next(agent for agent in self._agents.values() if agent.table == table)
        return {
            partition: {key.encode(): row for key, row in found.rows.items()}
            for partition, found in agent.tables.items()
        }

    def say(self, said: Sequence[Said]) -> None:
        """Take messages in and come to rest."""
        for item in said:
            if isinstance(item, Body):
                self.take(raw_of(item))
            elif item.content not in self._files:
                self._files.add(item.content)
                for raw in self._raws_of(item):
                    self.take(raw)
            self.settle()

    def take(self, raw: Raw) -> None:
        """One raw record, appended a tick after the last."""
        self._now_us += _TICK_US
        self._append("payments.raw.v1", f"{raw.source}/{raw.source_message_id}".encode(), self.topics.raw.encode(raw))

    def settle(self) -> None:
        """Work until nothing is left."""
        while self._left:
            contract, row = self._left.popleft()
            self._unit(self._agents[contract], contract, row)

    def pass_time(self, seconds: float) -> int:
        """Time passes, and is proved in every partition; returns the tick's time."""
        self._now_us += round(seconds * 1_000_000)
        for partition in range(PARTITIONS):
            tick = self.topics.clock.encode(ClockTick(self._now_us, "test"))
            row = self.log.append(CLOCK, b"", tick, self._now_us, partition)
            for agent in {agent.name: agent for agent in self._agents.values()}.values():
                self._tick(agent, row, self._now_us)
        self.settle()
        return self._now_us

    def _tick(self, agent: _Agent, row: Row, at: int) -> None:
        due_of, table = DUE_OF.get(agent.table), agent.table_of(row.partition)
        if agent.due is None or due_of is None:
            return
        found = sorted((due, key) for key, data in table.rows.items() if (due := due_of(data)) and due <= at)
        for _, key in found:
            out = _Outbox(self.topics, agent.name)
            agent.due(key, _Record(row, self.topics.clock, ClockTick(at, "test")), table, out)
            self._publish(agent, row.partition, table, out)

    def _unit(self, agent: _Agent, contract: str, row: Row) -> None:
        source = self._sources[contract]
        table, outcome = agent.table_of(row.partition), AGAIN
        while outcome is AGAIN:
            out = _Outbox(self.topics, agent.name)
            outcome = agent.handler(_Record(row, source, source.decode(row.value or b"")), table, out)
            self._publish(agent, row.partition, table, out)

    def _publish(self, agent: _Agent, partition: int, table: _Table, out: _Outbox) -> None:
        for topic, key, value in out.sent:
            self._append(topic, key, value)
        for written, data in table.dirty.items():
            self.log.append(agent.changelog.name, written.encode(), data, self._now_us, partition)
        table.dirty.clear()

    def _append(self, contract: str, key: bytes, value: bytes | None) -> None:
        row = self.log.append(contract, key, value, self._now_us)
        if contract in self._agents:
            self._left.append((contract, row))

    def _raws_of(self, file: File) -> Iterator[Raw]:
        with Spool.create() as spool:
            end = read_to_end(io.BytesIO(file.content), Request(bank=file.bank), self.formats, spool)
            assert isinstance(end, FileEnd), f"{file.name}: {end}"
            archived = Archived(stable_id("file", file.name) * 2, f"memory:{file.name}", len(file.content))
            origin = Origin(file.bank, end.message_id or "", "default", file.bank, archived, end)
            yield from [origin.raw(*record) for record in spool.read()]


def _all(topics: Topics) -> Iterator[Topic[Any]]:
    return (getattr(topics, row.name) for row in fields(topics))


def raw_of(body: Body) -> Raw:
    """A body as the submitter publishes it."""
    message_id = stable_id(body.source, body.source_message_id)
    return Raw(
        message_id=message_id,
        source=body.source,
        source_message_id=body.source_message_id,
        format=body.format,
        kind=body.format,
        profile="default",
        sender=body.sender or body.source,
        file_hash=None,
        position=None,
        records_in_file=None,
        payload=body.payload,
        authentication="test",
        occurred_at=None,
        trace_id=stable_id("trace", message_id),
        correlation_id=None,
    )
