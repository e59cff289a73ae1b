"""A small app with all that the engine has to get right: two agents, three inputs, tables, a stage that feeds another.

`deposits` and `withdrawals` are folded by `ledger` into the table `accounts`; each record leaves one entry with a number that
is gapless per key. Entries are an input of `audit`, which counts them per key in its own table and sends a receipt.
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class Cursor:
    """A row of a long scan: behind which key it goes on."""

    after: str
    seen: int


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


def build(names: Names, settings: EngineSettings, **options: Any) -> Ledger:
    """The app over one test's topics."""

    def topic(name: str, **given: Any) -> Topic[Any]:
        return Topic(name, encode_json, json.loads, kafka_name=getattr(names, name), **given)

    deposits, withdrawals = topic("deposits"), topic("withdrawals")
    entries, receipts = topic("entries"), topic("receipts")
    app = App(
        "ledger", settings=settings, dead_letters=DeadLetters(names.dead_letters, encode_failure), web_enabled=False, **options
    )
    accounts = app.Table(
        "accounts", changelog=Topic("accounts", encode_account, decode_account, kafka_name=names.accounts)
    )
    audited = app.Table("audited", changelog=Topic("audited", encode_account, decode_account, kafka_name=names.audited))
    app.outputs(entries, receipts)

    def fold(record: Record, table: Table[Account], out: Outbox) -> Again | None:
        command = record.value
        account = table.get(record.key) or Account(0, "")
        if command.get("forget"):
            del table[record.key]
            out.send(entries, record.key, {"id": command["id"], "n": 0, "previous": account.last})
            return None
        if command.get("fan_out"):
            return _fan_out(record, command, table, out)
        table[record.key] = Account(account.count + 1, command.get("last", command["id"]))
        out.send(entries, record.key, {"id": command["id"], "n": account.count + 1, "previous": account.last})
        out.note(command["id"])
        if command.get("poison"):
            raise BadRecord("this record is poison", "poison")
        if command.get("crash"):
            raise MemoryError("the process is at fault")
        if size := command.get("send_bytes"):
            out.send(receipts, record.key, {"id": "x" * size})
        return None

    def _fan_out(record: Record, command: Any, table: Table[Account], out: Outbox) -> Again | None:
        cursor = table.get("cursor:" + record.key) or Account(0, "")
        taken = 0
        for key, _ in table.scan(command["fan_out"], after=cursor.last or None):
            if taken == command["slice"]:
                table["cursor:" + record.key] = cursor
                return AGAIN
            out.send(receipts, key, {"id": command["id"]}, partition=record.partition)
            cursor = Account(cursor.count + 1, key)
            taken += 1
        table["cursor:" + record.key] = cursor
        return None

    def audit(record: Record, table: Table[Account], out: Outbox) -> None:
        account = table.get(record.key) or Account(0, "")
        table[record.key] = Account(account.count + 1, record.value["id"])
        out.send(receipts, record.key, {"id": record.value["id"]})

    @app.agent(app.inputs(deposits, withdrawals, tables=(accounts,)), name="ledger")
    async def ledger(batches: Any) -> None:
        async for batch in batches:
            batch.each(fold)

    @app.agent(app.inputs(entries, tables=(audited,)), name="audit")
    async def auditing(batches: Any) -> None:
        async for batch in batches:
            batch.each(audit)

    return Ledger(app, accounts, audited, {"deposits": deposits, "withdrawals": withdrawals, "entries": entries})


def iterate_ids(prefix: str, count: int) -> Iterator[str]:
    return (f"{prefix}-{n:06d}" for n in range(count))


__all__ = ["BreakerSettings", "Ledger", "Names", "build", "iterate_ids"]
