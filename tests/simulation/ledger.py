"""The app that is simulated: two agents, four inputs, three tables, an output that is an input, a topic of two readers.

`deposits` and `withdrawals` are folded by `ledger` into `accounts` (a chain a key, gapless numbers) and `sources` (what
each input brought last); entries of the chain go to `entries`, which `audit` folds into `audited`. Both read `ticks`.
A record orders what goes wrong with it: poison, a row that cannot be encoded, a scan that takes several units.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import msgspec

from streams.engine import AGAIN, Again, BadRecord, DeadLetters, Failure, Outbox, Record, Table, TableDeclaration, Topic
from streams.engine.inputs import Inputs
from streams.engine.topology import Declared

INPUTS = ("deposits", "withdrawals", "ticks", "entries")
FED = ("deposits", "withdrawals", "ticks")
"""Inputs that come from outside."""
OUTPUTS = ("receipts", "dead")
CHANGELOGS = {"accounts": "accounts-log", "sources": "sources-log", "audited": "audited-log"}
SLICE = 2


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def encode_row(row: tuple[Any, ...]) -> bytes:
    if row[-1] == "odd":
        raise ValueError("this row cannot be encoded")
    return msgspec.json.encode(row)


def decode_row(data: bytes) -> tuple[Any, ...]:
    return tuple(msgspec.json.decode(data))


def encode_failure(failure: Failure) -> bytes:
    return encode([failure.source_topic, failure.source_partition, failure.source_offset, failure.stage])


def _topic(name: str) -> Topic[Any]:
    return Topic(name, encode, msgspec.json.decode)


def _table(name: str) -> TableDeclaration[Any]:
    changelog: Topic[Any] = Topic(CHANGELOGS[name], encode_row, decode_row)
    return TableDeclaration(name, changelog, encode_row, decode_row)


RECEIPTS, ENTRIES = _topic("receipts"), _topic("entries")
ACCOUNTS, SOURCES, AUDITED = _table("accounts"), _table("sources"), _table("audited")
TABLES = (ACCOUNTS, SOURCES, AUDITED)

Row = tuple[Any, ...]


def fold(record: Record, accounts: Table[Row], sources: Table[Row], out: Outbox) -> Again | None:
    """The ledger's handler. Rows: accounts (key, n, id), sources (key, id)."""
    key, order = record.key, record.value
    if record.topic == "ticks":
        tick("ledger", record, accounts, out)
        return None
    if order["do"] == "scan":
        return scan(record, accounts, sources, out)
    _, count, last = accounts.get(key) or (key, 0, None)
    entry = {"id": order["id"], "n": count + 1, "previous": last}
    if order["do"] == "forget" and count:
        del accounts[key]
        entry["n"] = 0
    else:
        accounts[key] = (key, count + 1, order["id"])
    if order["do"] == "odd":
        # Whatever the key's next record makes of it, in the same unit or later: this row cannot be written.
        accounts[key] = (key, count + 1, "odd")
    source = f"{key}/{record.topic}"
    sources[source] = (source, order["id"])
    out.send(ENTRIES, key, entry)
    if order["do"] == "poison":
        raise BadRecord("this record is poison", "poison")
    return None


def tick(reader: str, record: Record, table: Table[Row], out: Outbox) -> None:
    """Both readers count every tick."""
    key = f"tick-{record.partition}"
    _, count, last = table.get(key) or (key, 0, None)
    table[key] = (key, count + 1, record.value["id"])
    receipt = {"reader": reader, "id": record.value["id"], "n": count + 1, "previous": last}
    out.send(RECEIPTS, key, receipt, partition=record.partition)


def scan(record: Record, accounts: Table[Row], sources: Table[Row], out: Outbox) -> Again | None:
    """Tell all accounts of the partition, some a unit; nothing else may be folded meanwhile."""
    cursor_key = f"cursor/{record.value['id']}"
    cursor = sources.get(cursor_key)
    after, part, calm_sum = (cursor[1], cursor[2], cursor[3]) if cursor else (None, 0, _sum(accounts))
    rows = accounts.scan("", after=after)
    told = [key for key, _ in itertools.islice(rows, SLICE)]
    is_last = next(rows, None) is None
    receipt = {"scan": record.value["id"], "part": part, "keys": told, "last": is_last, "first_sum": calm_sum}
    out.send(RECEIPTS, record.key, {**receipt, "sum": _sum(accounts)}, partition=record.partition)
    if is_last:
        if cursor:
            del sources[cursor_key]
        return None
    sources[cursor_key] = (cursor_key, told[-1], part + 1, calm_sum)
    return AGAIN


def _sum(accounts: Table[Row]) -> int:
    return sum(row[1] for _, row in accounts.scan(""))


def audit(record: Record, audited: Table[Row], out: Outbox) -> None:
    """The audit's handler. Rows: (key, records seen, id)."""
    if record.topic == "ticks":
        tick("audit", record, audited, out)
        return
    key, entry = record.key, record.value
    _, count, _ = audited.get(key) or (key, 0, None)
    if entry["n"] == 0 and count:
        del audited[key]
    else:
        audited[key] = (key, count + 1, entry["id"])
    out.send(RECEIPTS, key, {"audited": entry["id"], "n": count + 1})


@dataclass(frozen=True)
class App:
    """One process's declarations: channels are its own."""

    ledger: Inputs
    audit: Inputs

    @property
    def declared(self) -> Declared:
        return Declared((self.ledger, self.audit), (RECEIPTS, ENTRIES), DeadLetters("dead", encode_failure))


def build() -> App:
    """Channels need nothing of Faust's app but that there is a schema."""
    deposits, withdrawals, ticks = map(_topic, FED)
    schema: Any = SimpleNamespace(update=lambda **_: None, key_type=None, value_type=None)
    ledger = Inputs(None, topics=(deposits, withdrawals, ticks), tables=(ACCOUNTS, SOURCES), schema=schema)
    auditing = Inputs(None, topics=(ENTRIES, ticks), tables=(AUDITED,), schema=schema)
    ledger.stage, auditing.stage = "ledger", "audit"
    return App(ledger, auditing)


async def agent(inputs: Inputs, handler: Any) -> None:
    """As app.agent runs a declared agent: its failure fails the unit at hand."""
    try:
        while True:
            batch = await anext(inputs)
            batch.each(handler)
    except Exception as error:  # noqa: BLE001 - whatever it is, the engine must hear of it
        inputs.fail(error)
