"""Who takes part: banks with habits, vendors, people. Data only; chosen by the seeded generator of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Channel(Enum):
    """How a bank answers: a JSON callback a payment, or files (pain.002 for status, camt.054 for bookings)."""

    CALLBACK = "callback"
    FILE = "file"


class Naming(Enum):
    """By which names a bank calls a payment in its answers."""

    UETR = "uetr"
    END_TO_END_ID = "end_to_end_id"
    INSTRUCTION_ID = "instruction_id"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank and its habits.

    ``run_size`` payments go into one file; ``delay_s`` is its usual time to answer; ``tells_again``: at the end of the
    day it sends every booking a second time, in a message of its own; ``prompt``: it answers within minutes, so that
    silence means something.
    """

    name: str
    rail: str
    region: str
    currency: str
    channel: Channel
    naming: Naming
    run_size: int
    delay_s: tuple[float, float]
    tells_again: bool = False
    prompt: bool = False


BANKS: Final[tuple[Bank, ...]] = (
    Bank("NORDBANK", "SEPA", "EU", "EUR", Channel.FILE, Naming.END_TO_END_ID, 120, (30.0, 900.0)),
    Bank("HELVETIA", "SIC", "EU", "CHF", Channel.FILE, Naming.ALL, 60, (60.0, 1_800.0), tells_again=True),
    Bank("FIRSTWIRE", "WIRE", "US", "USD", Channel.CALLBACK, Naming.UETR, 40, (2.0, 120.0), prompt=True),
    Bank("UNIONACH", "ACH", "US", "USD", Channel.CALLBACK, Naming.INSTRUCTION_ID, 200, (600.0, 7_200.0)),
    Bank("SAKURA", "ZENGIN", "APAC", "JPY", Channel.CALLBACK, Naming.END_TO_END_ID, 80, (5.0, 300.0), prompt=True),
)

COMPANY_CODES: Final = {"EU": ("1000", "1100"), "US": ("2000",), "APAC": ("3000",)}
APPROVERS: Final = ("a.lindqvist", "b.okafor", "c.tanaka", "d.moreau", "e.schmidt")
RELEASERS: Final = ("t.novak", "u.rossi")


@dataclass(frozen=True, slots=True)
class Vendor:
    """Whom the company pays. ``account`` is an invented account number that no bank issued."""

    vendor_id: str
    name: str
    account: str


def vendor(number: int) -> Vendor:
    """The ``number``-th vendor of the company; the same number is always the same vendor."""
    return Vendor(f"V{number:05d}", f"Vendor {number:05d} GmbH", f"XX{number * 7919 % 10**18:018d}")
