"""What the tests of connectors share: the committed samples, and reading bytes to the end."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import connectors
from connectors.contract import (
    DEFAULT_PROFILE,
    Acknowledgement,
    BankProfile,
    FileEnd,
    Instruction,
    Mapped,
    ProviderRecord,
    Refusal,
)
from connectors.formats import InstalledFormats
from connectors.registry import connector_of
from connectors.registry import connectors as all_connectors

SAMPLES = Path(connectors.__file__).parent / "samples"
FOLDERS = {
    "pain001": "pain.001",
    "pain002": "pain.002",
    "pacs002": "pacs.002",
    "pacs004": "pacs.004",
    "camt029": "camt.029",
    "camt053": "camt.053",
    "camt054": "camt.054",
    "camt056": "camt.056",
}
"""Sample folders of XML, one message a file, and their format."""
TEXT_FOLDERS = {
    "mt199": "mt199",
    "mt900": "mt900",
    "mt940": "mt940",
    "mt942": "mt942",
    "mtn92": "mtn92",
    "bai2": "bai2",
    "nacha": "nacha",
    "gpi": "gpi",
    "csv": "csv",
}
"""Sample folders of other formats: a file may be several messages, and may end after any of them."""
ALL_FOLDERS = {**FOLDERS, **TEXT_FOLDERS}
REFUSED_FOLDERS = ("erp",)
"""Sample folders of what no connector reads: told apart from all that they do."""
PROFILES = {
    "csv/de_semicolon_bom_preamble.csv": "csv-musterbank",
    "csv/us_debit_credit_columns.csv": "csv-us-online",
}
"""Samples that are read with a profile of ours."""


def samples() -> list[Path]:
    """Every committed file of XML that is read."""
    return _files_of(FOLDERS)


def all_samples() -> list[Path]:
    """Every committed file of a format that is read."""
    return _files_of(ALL_FOLDERS)


def refused_samples() -> list[Path]:
    """Every committed file that is of none of the formats."""
    return _files_of(REFUSED_FOLDERS)


def _files_of(folders: Iterable[str]) -> list[Path]:
    return sorted(path for folder in folders for path in (SAMPLES / folder).iterdir())


def name_of(path: Path) -> str:
    """``folder/file``: a sample's name in manifest.tsv."""
    return f"{path.parent.name}/{path.name}"


def profile_name(path: Path) -> str:
    """The profile that a sample is read with."""
    return PROFILES.get(name_of(path), DEFAULT_PROFILE.name)


def profile_of(path: Path) -> BankProfile:
    """That profile."""
    found = _installed().profile(profile_name(path))
    assert isinstance(found, BankProfile), found
    return found


@cache
def _installed() -> InstalledFormats:
    return InstalledFormats()


@dataclass(frozen=True)
class Read:
    """What a reader gave, and what the mapper made of it."""

    records: list[ProviderRecord]
    last: FileEnd | Refusal
    mapped: list[Mapped]

    @property
    def accepted(self) -> bool:
        return isinstance(self.last, FileEnd)

    @property
    def refusal(self) -> Refusal:
        assert isinstance(self.last, Refusal), self.last
        return self.last

    def acknowledgements(self) -> list[Acknowledgement]:
        assert self.accepted, self.last
        assert all(isinstance(item, Acknowledgement) for item in self.mapped), self.mapped
        return [item for item in self.mapped if isinstance(item, Acknowledgement)]

    def only(self) -> Acknowledgement:
        [only] = self.acknowledgements()
        return only

    def instructions(self) -> list[Instruction]:
        assert self.accepted, self.last
        return [item for item in self.mapped if isinstance(item, Instruction)]

    def money(self) -> Decimal:
        """All amounts that a pipeline would take from the file: none of a refused one."""
        if not self.accepted:
            return Decimal(0)
        found = [getattr(item, "amount", None) for item in self.mapped]
        return sum((amount for amount in found if isinstance(amount, Decimal)), Decimal(0))


def read(data: bytes, format_: str, profile: BankProfile = DEFAULT_PROFILE) -> Read:
    """Read and map; checks on the way what the contract promises of every reader."""
    connector = connector_of(format_)
    assert connector is not None
    items = list(connector.read(io.BytesIO(data), profile))
    assert items, "a reader says at least whether it accepts the file"
    *records, last = items
    assert isinstance(last, FileEnd | Refusal)
    provider = [item for item in records if isinstance(item, ProviderRecord)]
    assert len(provider) == len(records), "one verdict, at the end"
    mapped = [item for record in provider for item in connector.map(through_json(record), profile)]
    return Read(provider, last, mapped)


def through_json(record: ProviderRecord) -> ProviderRecord:
    """The record as it comes out of payments.raw.v1."""
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record.fields))
    return ProviderRecord(record.kind, record.position, fields)


def format_of(data: bytes) -> str | None:
    """The format that the content is told to be."""
    return next((connector.format for connector in all_connectors() if connector.sniff(data)), None)
