"""What must hold when everything has come to rest, read from the logs alone: who folded what is not asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import ledger
from .broker import Broker
from .group import Place
from .log import Entry

Report = Callable[[str, str], None]
"""Told of each violation: the check's name, and what was found."""


@dataclass
class Fed:
    """The input records that count, and what was written off by an operator."""

    broker: Broker
    written_off: set[tuple[str, int, int]] = field(default_factory=set)

    def has_lost_scan(self, key: bytes, partition: int) -> bool:
        """Whether a row is the cursor of a scan that was written off."""
        lost = {
            entry.value
            for topic, number, offset in self.written_off
            if number == partition
            for entry in self.broker.log((topic, number)).history
            if entry.offset == offset
        }
        return any(value and key == b"cursor/%d" % json.loads(value)["id"] for value in lost)

    def records(self, topic: str, partition: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Offset, key and value of what the engine had to fold, in order."""
        for entry in self.broker.log((topic, partition)).history:
            if entry.counts and (topic, partition, entry.offset) not in self.written_off:
                assert entry.key is not None
                assert entry.value is not None
                yield entry.offset, entry.key.decode(), json.loads(entry.value)


def committed(broker: Broker, topic: str, partition: int) -> Iterator[tuple[str, Any]]:
    """Key and decoded value of what a reader of committed records has seen."""
    for entry in broker.log((topic, partition)).history:
        if entry.counts and entry.key is not None:
            yield entry.key.decode(), None if entry.value is None else json.loads(entry.value)


def check_end(broker: Broker, fed: Fed, report: Report) -> None:
    """Every rule, over all partitions."""
    for partition in range(broker.partitions):
        _check_entries(broker, fed, partition, report)
        _check_dead_letters(broker, fed, partition, report)
        _check_receipts(broker, fed, partition, report)
        _check_scans(broker, fed, partition, report)
        for topic in ledger.CHANGELOGS.values():
            log = broker.log((topic, partition))
            if log.rows() != log.compacted_rows():
                report("compaction keeps the state", f"{topic}[{partition}]")


def _check_once(what: str, expected: Iterable[Any], found: Iterable[Any], report: Report) -> None:
    wanted, seen = Counter(expected), Counter(found)
    if lost := wanted - seen:
        report("nothing is lost", f"{what}: {sorted(lost)[:5]}")
    if repeated := seen - wanted:
        report("nothing is repeated", f"{what}: {sorted(repeated)[:5]}")


def _check_entries(broker: Broker, fed: Fed, partition: int, report: Report) -> None:
    entries = list(committed(broker, "entries", partition))
    expected: list[int] = []
    for topic in ("deposits", "withdrawals"):
        ids = [
            (key, order["id"]) for _, key, order in fed.records(topic, partition) if order["do"] in ("add", "forget")
        ]
        expected += [number for _, number in ids]
        own = set(ids)
        if [(key, entry["id"]) for key, entry in entries if (key, entry["id"]) in own] and not _in_order(ids, entries):
            report("each input's order is kept a key", f"{topic}[{partition}]")
    _check_once(f"entries[{partition}]", expected, (entry["id"] for _, entry in entries), report)
    state: dict[str, list[Any]] = {}
    for key, entry in entries:
        _, count, last = state.get(key, [key, 0, None])
        if entry["previous"] != last or entry["n"] not in (count + 1, 0):
            report("a chain has no gap", f"entries[{partition}] {key}: {entry} after {count}, {last}")
        if entry["n"] == 0:
            state.pop(key, None)
        else:
            state[key] = [key, entry["n"], entry["id"]]
    _check_state(broker, "accounts", partition, state, report)


def _in_order(ids: list[tuple[str, int]], entries: list[tuple[str, Any]]) -> bool:
    rank = {pair: at for at, pair in enumerate(ids)}
    latest: dict[str, int] = {}
    for key, entry in entries:
        at = rank.get((key, entry["id"]))
        if at is not None:
            if at < latest.get(key, -1):
                return False
            latest[key] = at
    return True


def _check_state(broker: Broker, table: str, partition: int, state: dict[str, list[Any]], report: Report) -> None:
    """The state topic is what the effects add up to. Ticks have a row of their own."""
    rows = broker.log((ledger.CHANGELOGS[table], partition)).rows()
    found = {key.decode(): json.loads(row) for key, row in rows.items() if not key.startswith(b"tick-")}
    if found != state:
        wrong = {key for key in found.keys() | state.keys() if found.get(key) != state.get(key)}
        told = {key: (found.get(key), state.get(key)) for key in sorted(wrong)[:3]}
        report("the state topic is the fold of the inputs", f"{table}[{partition}] (found, expected): {told}")


def _check_dead_letters(broker: Broker, fed: Fed, partition: int, report: Report) -> None:
    expected = [
        (topic, partition, offset, "ledger")
        for topic in ("deposits", "withdrawals")
        for offset, _, order in fed.records(topic, partition)
        if order["do"] in ("poison", "odd")
    ]
    found = [tuple(place) for _, place in committed(broker, "dead", partition)]
    _check_once(f"dead letters[{partition}]", expected, found, report)


def _check_receipts(broker: Broker, fed: Fed, partition: int, report: Report) -> None:
    receipts = list(committed(broker, "receipts", partition))
    entries = list(committed(broker, "entries", partition))
    audited = [(key, receipt["audited"]) for key, receipt in receipts if "audited" in receipt]
    told = [(key, entry["id"]) for key, entry in entries]
    _check_once(f"receipts[{partition}]", told, audited, report)
    for key in {key for key, _ in told}:
        if [number for other, number in audited if other == key] != [number for other, number in told if other == key]:
            report("each input's order is kept a key", f"audit[{partition}] {key}")
    state: dict[str, list[Any]] = {}
    for key, entry in entries:
        count = state.get(key, [key, 0, None])[1]
        if entry["n"] == 0 and count:
            del state[key]
        else:
            state[key] = [key, count + 1, entry["id"]]
    _check_state(broker, "audited", partition, state, report)
    _check_ticks(fed, partition, receipts, report)
    _check_sources(broker, fed, partition, report)


def _check_ticks(fed: Fed, partition: int, receipts: list[tuple[str, Any]], report: Report) -> None:
    ticks = [order["id"] for _, _, order in fed.records("ticks", partition)]
    for reader in ("ledger", "audit"):
        mine = [receipt for _, receipt in receipts if receipt.get("reader") == reader]
        _check_once(f"ticks of {reader}[{partition}]", ticks, (receipt["id"] for receipt in mine), report)
        previous = [None, *ticks]
        for number, receipt in enumerate(mine):
            if (receipt["n"], receipt["previous"]) != (number + 1, previous[min(number, len(ticks))]):
                report("a chain has no gap", f"ticks of {reader}[{partition}]: {receipt} as number {number + 1}")


def _check_scans(broker: Broker, fed: Fed, partition: int, report: Report) -> None:
    """A scan tells everything once, in parts without a gap; nothing else is folded between its parts."""
    scans = [
        order["id"]
        for topic in ("deposits", "withdrawals")
        for _, _, order in fed.records(topic, partition)
        if order["do"] == "scan"
    ]
    parts: dict[int, list[Any]] = {}
    for _, receipt in committed(broker, "receipts", partition):
        if "scan" in receipt:
            parts.setdefault(receipt["scan"], []).append(receipt)
    _check_once(
        f"ends of scans[{partition}]", scans, (scan for scan in parts for part in parts[scan] if part["last"]), report
    )
    for scan, told in parts.items():
        keys = [key for part in told for key in part["keys"]]
        if [part["part"] for part in told] != list(range(len(told))) or keys != sorted(set(keys)):
            report("a record that takes several units is done once", f"scan {scan}[{partition}]: {told}")
        if len({part["sum"] for part in told} | {part["first_sum"] for part in told}) > 1:
            report("a record that takes several units is not overtaken", f"scan {scan}[{partition}]: {told}")


def _check_sources(broker: Broker, fed: Fed, partition: int, report: Report) -> None:
    """The second table of the same unit: the last record that each input brought for a key."""
    expected: dict[str, int] = {}
    for topic in ("deposits", "withdrawals"):
        for _, key, order in fed.records(topic, partition):
            if order["do"] in ("add", "forget"):
                expected[f"{key}/{topic}"] = order["id"]
    rows = broker.log((ledger.CHANGELOGS["sources"], partition)).rows()
    # A scan that an operator wrote off half-way leaves its cursor behind.
    found = {key.decode(): json.loads(row)[1] for key, row in rows.items() if not fed.has_lost_scan(key, partition)}
    if found != expected:
        report(
            "the state topic is the fold of the inputs", f"sources[{partition}] (found, expected): {found}, {expected}"
        )


def check_offsets(
    before: dict[Place, tuple[int, str]], come: dict[Place, tuple[int, str]], inputs: Iterable[Place], report: Report
) -> None:
    """Committed offsets, each reader's own too, never go back; those of a partition are there together."""
    missing = [place for place in inputs if place not in before and place not in come]
    if missing and come.keys() & {(topic, place[1]) for place in missing for topic in ledger.INPUTS}:
        report("first positions are committed together", f"{sorted(come)}, but none of {missing}")
    for place, (offset, metadata) in come.items():
        earlier, known = before.get(place, (-1, ""))
        positions, now = _positions(known), _positions(metadata)
        if offset < earlier or any(now.get(reader, 0) < position for reader, position in positions.items()):
            report("offsets never go back", f"{place}: {earlier} {known!r} -> {offset} {metadata!r}")


def _positions(metadata: str) -> dict[str, int]:
    pairs = (entry.rpartition("=") for entry in metadata.split(",") if entry and not entry.startswith("again "))
    return {reader: int(position) for reader, _, position in pairs}


def unfolded(log_entries: Iterable[Entry], begin: int, end: int) -> Iterator[int]:
    """Offsets of records that count within a range."""
    return (entry.offset for entry in log_entries if entry.counts and begin <= entry.offset < end)
