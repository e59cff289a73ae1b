"""A small app with all that the engine has to get right: two agents, three inputs, tables, a stage that feeds another.

`deposits` and `withdrawals` are folded by `ledger` into the table `accounts`; each record leaves one entry with a
number that is gapless per key. Entries are an input of `audit`, which counts them per key in its own table and sends a
receipt.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streams.engine import (
    AGAIN,
    Again,
    App,
    BadRecord,
    BreakerSettings,
    DeadLetters,
    EngineSettings,
    Failure,
    Outbox,
    Record,
    Table,
    Topic,
)


@dataclass(frozen=True)
class Account:
    """A row: how many records it has seen, and the last one."""

    count: int
    last: str


def encode_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def encode_account(account: Account) -> bytes:
    if account.last == "unencodable":
        raise ValueError("this row cannot be encoded")
    return encode_json({"count": account.count, "last": account.last})


def decode_account(data: bytes) -> Account:
    return Account(**json.loads(data))


def encode_failure(failure: Failure) -> bytes:
    return encode_json(
        {
            "stage": failure.stage,
            "error_class": failure.error_class,
            "reason_class": failure.reason_class,
            "message": failure.message,
            "place": [failure.source_topic, failure.source_partition, failure.source_offset],
            "key": None if failure.key is None else failure.key.hex(),
            "value": None if failure.value is None else failure.value.hex(),
            "headers": [[name, None if value is None else value.decode()] for name, value in failure.headers],
            "attempts": failure.attempts,
        }
    )


@dataclass(frozen=True)
class Names:
    """Kafka names of one test's topics."""

    prefix: str

    def __getattr__(self, name: str) -> str:
        return f"{self.prefix}.{name.replace('_', '-')}"

    def all(self) -> list[str]:
        return [
            self.deposits,
            self.withdrawals,
            self.entries,
            self.receipts,
            self.accounts,
            self.audited,
            self.dead_letters,
        ]


@dataclass(frozen=True)
class Ledger:
    """The app and its declarations."""

    app: App
    accounts: Any
    audited: Any
    topics: dict[str, Topic[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What the agents do with a record; its fields order what goes wrong with it."""

    entries: Topic[Any]
    receipts: Topic[Any]

    def fold(self, record: Record, table: Table[Account], out: Outbox) -> Again | None:
        command = record.value
        account = table.get(record.key) or Account(0, "")
        if command.get("forget"):
            del table[record.key]
            out.send(self.entries, record.key, {"id": command["id"], "n": 0, "previous": account.last})
            return None
        if command.get("fan_out"):
            return self.fan_out(record, table, out)
        table[command.get("key", record.key)] = Account(account.count + 1, command.get("last", command["id"]))
        out.send(self.entries, record.key, {"id": command["id"], "n": account.count + 1, "previous": account.last})
        out.note(command["id"])
        self.go_wrong(record, out)
        return None

    def go_wrong(self, record: Record, out: Outbox) -> None:
        """As the record orders: after it has written and sent, so that there is something to undo."""
        command = record.value
        if command.get("poison"):
            raise BadRecord("this record is poison", "poison")
        if command.get("crash"):
            raise MemoryError("the process is at fault")
        if say := command.get("say"):
            raise ValueError(say)
        if size := command.get("send_bytes"):
            out.send(self.receipts, record.key, {"id": "x" * size})

    def fan_out(self, record: Record, table: Table[Account], out: Outbox) -> Again | None:
        """A receipt for each row under a prefix, so many in one unit."""
        command = record.value
        cursor = table.get("cursor:" + record.key) or Account(0, "")
        rows = table.scan(command["fan_out"], after=cursor.last or None)
        for key, _ in itertools.islice(rows, command["slice"]):
            out.send(self.receipts, key, {"id": command["id"]}, partition=record.partition)
            cursor = Account(cursor.count + 1, key)
        table["cursor:" + record.key] = cursor
        return AGAIN if next(rows, None) is not None else None

    def audit(self, record: Record, table: Table[Account], out: Outbox) -> None:
        account = table.get(record.key) or Account(0, "")
        table[record.key] = Account(account.count + 1, record.value["id"])
        out.send(self.receipts, record.key, {"id": record.value["id"]})


def build(names: Names, settings: EngineSettings, **options: Any) -> Ledger:
    """The app over one test's topics."""

    def topic(name: str) -> Topic[Any]:
        return Topic(name, encode_json, json.loads, kafka_name=getattr(names, name))

    def rows(name: str) -> Topic[Account]:
        return Topic(name, encode_account, decode_account, kafka_name=getattr(names, name))

    deposits, withdrawals, entries, receipts = map(topic, ("deposits", "withdrawals", "entries", "receipts"))
    dead_letters = DeadLetters(names.dead_letters, encode_failure)
    app = App("ledger", settings=settings, dead_letters=dead_letters, web_enabled=False, **options)
    accounts: Any = app.Table("accounts", changelog=rows("accounts"))
    audited: Any = app.Table("audited", changelog=rows("audited"))
    app.outputs(entries, receipts)
    rules = Rules(entries, receipts)

    @app.agent(app.inputs(deposits, withdrawals, tables=(accounts,)), name="ledger")
    async def ledger(batches: Any) -> None:
        async for batch in batches:
            batch.each(rules.fold)

    @app.agent(app.inputs(entries, tables=(audited,)), name="audit")
    async def auditing(batches: Any) -> None:
        async for batch in batches:
            batch.each(rules.audit)

    return Ledger(app, accounts, audited, {"deposits": deposits, "withdrawals": withdrawals, "entries": entries})


def iterate_ids(prefix: str, count: int) -> Iterator[str]:
    return (f"{prefix}-{n:06d}" for n in range(count))


__all__ = ["BreakerSettings", "Ledger", "Names", "build", "iterate_ids"]
