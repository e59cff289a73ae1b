"""What a batch and a file add up to, and what their controls (records 8 and 9) say that they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connectors.nacha import layout
from connectors.nacha.layout import BatchHeader
from connectors.refused import RefusedError
from streams.domain.facts import Direction

_HASH_MODULUS: Final = 10**10
"""The entry hash is the sum of the banks' numbers, of which the ten low digits are written."""


class Totals:
    """Entries and addenda, sums in cents, and the sum of the first eight digits of the banks' routing numbers."""

    __slots__ = ("count", "credit_cents", "debit_cents", "hash")

    def __init__(self) -> None:
        self.count = 0
        self.hash = 0
        self.debit_cents = 0
        self.credit_cents = 0

    def add_entry(self, bank: str, amount_cents: int, direction: Direction) -> None:
        """One more entry (addenda are only counted)."""
        self.count += 1
        self.hash += int(bank)
        if direction is Direction.CREDIT:
            self.credit_cents += amount_cents
        else:
            self.debit_cents += amount_cents

    def merge(self, other: Totals) -> None:
        """Add those of a batch to those of the file."""
        self.count += other.count
        self.hash += other.hash
        self.debit_cents += other.debit_cents
        self.credit_cents += other.credit_cents


@dataclass(frozen=True, slots=True)
class _Declared:
    """What a control says of what it closes."""

    count: int
    hash: int
    debit_cents: int
    credit_cents: int

    def differences(self, where: str, found: Totals) -> Iterator[RefusedError]:
        """One for each figure that is another."""
        found_hash = found.hash % _HASH_MODULUS
        if self.count != found.count:
            yield _differs("count_mismatch", where, "entries and addenda", self.count, found.count)
        if self.hash != found_hash:
            yield _differs("hash_mismatch", where, "entry hash", self.hash, found_hash)
        if self.debit_cents != found.debit_cents:
            yield _differs("sum_mismatch", where, "debits in cents", self.debit_cents, found.debit_cents)
        if self.credit_cents != found.credit_cents:
            yield _differs("sum_mismatch", where, "credits in cents", self.credit_cents, found.credit_cents)


@dataclass(frozen=True, slots=True)
class BatchControl:
    """Record 8."""

    service_class: str
    declared: _Declared
    origin: str
    number: str

    def disagreements(self, where: str, header: str, found: Totals) -> Iterator[RefusedError]:
        """What does not agree with the batch, or names another batch than its header."""
        for name, here, there in (
            ("batch number", self.number, header[BatchHeader.number]),
            ("service class", self.service_class, header[BatchHeader.service_class]),
            ("originating bank", self.origin, header[BatchHeader.origin]),
        ):
            if here != there:
                expected = f"{name} {there}, as in the batch header"
                yield RefusedError("batch_mismatch", where, expected, here)
        yield from self.declared.differences(where, found)


@dataclass(frozen=True, slots=True)
class FileControl:
    """Record 9."""

    batches: int
    blocks: int
    declared: _Declared

    def disagreements(self, where: str, batches: int, blocks: int | None, found: Totals) -> Iterator[RefusedError]:
        """What does not agree with the file. ``blocks`` None: a part of a file, whose blocks were not counted here."""
        if self.batches != batches:
            yield _differs("count_mismatch", where, "batches", self.batches, batches)
        if blocks is not None and self.blocks != blocks:
            yield _differs("count_mismatch", where, "blocks of ten records", self.blocks, blocks)
        yield from self.declared.differences(where, found)


def batch_control(text: str, *, is_adv: bool) -> BatchControl | None:
    """Record 8; None if it is none."""
    match = (layout.ADV_BATCH_CONTROL_LINE if is_adv else layout.BATCH_CONTROL_LINE).fullmatch(text)
    if match is None:
        return None
    service_class, count, hash_, debit, credit, origin, number = match.groups()
    return BatchControl(service_class, _Declared(int(count), int(hash_), int(debit), int(credit)), origin, number)


def file_control(text: str, *, is_adv: bool) -> FileControl | None:
    """Record 9; None if it is none."""
    match = (layout.ADV_FILE_CONTROL_LINE if is_adv else layout.FILE_CONTROL_LINE).fullmatch(text)
    if match is None:
        return None
    batches, blocks, *declared = map(int, match.groups())
    return FileControl(batches, blocks, _Declared(*declared))


def _differs(reason: str, where: str, what: str, declared: int, found: int) -> RefusedError:
    return RefusedError(reason, where, f"{declared} {what}, as the control says", str(found))
