"""The company of the real sample files: what it approved and released, and how each of its payments must end.

Its documents and the expected ends are data in ``company/``, beside the published samples that they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from streams.domain.money import money_from_text
from streams.domain.statuses import Flag, Status
from streams.simulator.truth import Expected, Truth

DOCUMENTS: Final = ("approvals.jsonl", "releases.jsonl", "acknowledgements.jsonl")
"""In the order in which the company and its bank said them."""
FOLDERS: Final = ("pain001", "pain002", "camt054")
"""Of the samples: what went to the banks, their reports, their account entries."""


@dataclass(frozen=True, slots=True)
class SpokenName:
    """One name of a payment, of a kind, and who calls it that."""

    kind: str
    value: str
    said_by: str


@dataclass(frozen=True, slots=True)
class FromFile:
    """The sample file that decides about a payment, below ``connectors/samples``, and what it calls the payment."""

    file: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """``truth``: how everything must end; ``five_names``: those of the payment that nobody gave an id."""

    truth: Truth
    five_names_of: str
    five_names: tuple[SpokenName, ...]
    refused_files: frozenset[str]
    from_files: Mapping[str, FromFile]


@cache
def company() -> Company:
    """What is written in ``company/expected.yaml``."""
    said = yaml.safe_load((_folder() / "expected.yaml").read_text(encoding="utf-8"))
    truth = Truth(
        payments={name: _expected(row) for name, row in said["payments"].items()},
        duplicates={frozenset(pair) for pair in said["duplicates"]},
        waiting=said["waiting"],
        dead_letters=said["dead_letters"],
    )
    known = said["known_by_five_names"]
    return Company(
        truth=truth,
        five_names_of=known["payment"],
        five_names=tuple(SpokenName(**row) for row in known["names"]),
        refused_files=frozenset(said["refused_files"]),
        from_files={
            name: FromFile(row["file"], tuple(row["names"])) for name, row in said["payments"].items() if "file" in row
        },
    )


def _expected(row: Mapping[str, Any]) -> Expected:
    amounts = [row[part] for part in ("settled", "returned") if part in row]
    return Expected(
        status=Status(row["status"]),
        flags=frozenset(Flag(flag) for flag in row.get("flags", ())),
        closed=row.get("closed", False),
        settled_minor=_minor(row.get("settled")),
        returned_minor=_minor(row.get("returned")),
        currency=amounts[0]["currency"] if amounts else "",
    )


def _minor(amount: Mapping[str, str] | None) -> int:
    return 0 if amount is None else money_from_text(amount["value"], amount["currency"]).minor


def documents() -> list[Path]:
    """The company's approvals and releases, and what its bank said without a file."""
    return [_folder() / name for name in DOCUMENTS]


def samples() -> Mapping[str, list[Path]]:
    """The real files by kind, each kind in the order in which it is taken in."""
    return {folder: sorted((samples_folder() / folder).iterdir()) for folder in FOLDERS}


def samples_folder() -> Path:
    """Where the published files are, installed or not."""
    return Path(str(files("connectors") / "samples"))


def _folder() -> Path:
    return Path(str(files("streams.demo") / "company"))
