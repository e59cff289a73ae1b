"""A small app over proved time: what is deposited under a key rings once, some time after it was appended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from streams.engine import App, DeadLetters, DueIndex, EngineSettings, Outbox, Record, Table, Topic

from .ledger import Names, encode_failure, encode_json

RINGS_AFTER_US = 1_000_000


@dataclass(frozen=True)
class Alarm:
    """When it rings, 0: it has."""

    due_us: int
    times: int


def encode_alarm(alarm: Alarm) -> bytes:
    return alarm.due_us.to_bytes(8, "big") + alarm.times.to_bytes(4, "big")


def decode_alarm(data: bytes) -> Alarm:
    return Alarm(int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big"))


def due_of(row: bytes) -> int | None:
    return int.from_bytes(row[:8], "big") or None


@dataclass(frozen=True)
class Alarms:
    """The app and its declarations."""

    app: App


def build(names: Names, settings: EngineSettings, **options: Any) -> Alarms:
    """`deposits` arm alarms in `accounts`; `clock` has the ticks; what rings goes to `receipts`."""

    def topic(name: str, **more: Any) -> Topic[Any]:
        return Topic(name, encode_json, json.loads, kafka_name=getattr(names, name), **more)

    deposits, receipts, clock = topic("deposits"), topic("receipts"), topic("clock", keyed=False, ticks=int)
    rows: Topic[Alarm] = Topic("accounts", encode_alarm, decode_alarm, kafka_name=names.accounts)
    dead_letters = DeadLetters(names.dead_letters, encode_failure)
    app = App("alarms", settings=settings, dead_letters=dead_letters, web_enabled=False, **options)
    index: DueIndex[Alarm] = DueIndex(lambda alarm: alarm.due_us or None, due_of)
    alarms: Any = app.Table("alarms", changelog=rows, due=index)
    app.outputs(receipts)
    app.clock(clock, int, ((deposits,),))

    def arm(record: Record, table: Table[Alarm], _out: Outbox) -> None:
        before = table.get(record.key)
        table[record.key] = Alarm(record.timestamp_us + RINGS_AFTER_US, before.times if before else 0)

    def ring(key: str, tick: Record, table: Table[Alarm], out: Outbox) -> None:
        alarm = table[key]
        table[key] = Alarm(0, alarm.times + 1)
        out.send(receipts, key, {"due_us": alarm.due_us, "at_us": tick.value, "times": alarm.times + 1})

    @app.agent(app.inputs(deposits, clock, tables=(alarms,)), name="alarms")
    async def alarming(batches: Any) -> None:
        async for batch in batches:
            batch.each(arm, ring)

    return Alarms(app)
