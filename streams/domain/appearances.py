"""What a payment looks like to the duplicate rules: its fingerprints, and which of them to tell about when.

A fingerprint is taken per payment x invoice allocation, never on a payment's total alone.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from streams.domain.construction import quick
from streams.domain.facts import InvoiceAllocation, Reference, ReferenceKind
from streams.domain.fingerprints import Rule
from streams.domain.identity import stable_id
from streams.domain.money import Money

_INSTRUCTION_NAMES: Final = frozenset({ReferenceKind.UETR, ReferenceKind.END_TO_END_ID, ReferenceKind.INSTRUCTION_ID})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One thing that no two payments may share. ``compared``: the fields behind it, for a person."""

    rule: Rule
    value: str
    compared: tuple[str, ...]


_fingerprint = quick(Fingerprint)
_SAME_INSTRUCTION: Final = Rule.SAME_INSTRUCTION
_MARKS_KEPT: Final = 1 << 12


def fingerprints_of(
    references: tuple[Reference, ...],
    vendor_id: str | None,
    invoices: tuple[InvoiceAllocation, ...],
    instructed: Money | None,
) -> tuple[Fingerprint, ...]:
    """Sorted by rule and value. SAME_INSTRUCTION: each name of the instruction; EXACT_INVOICE: each allocation."""
    names = {reference.key for reference in references if reference.kind in _INSTRUCTION_NAMES}
    instructions = [_fingerprint(_SAME_INSTRUCTION, name, (name,)) for name in sorted(names)]
    paid: dict[str, Fingerprint] = {}
    if vendor_id:
        for invoice in invoices:
            amount = invoice.allocated or (instructed if len(invoices) == 1 else None)
            if amount is not None:
                row = _exact_invoice(vendor_id, invoice.number, amount.minor, amount.currency, amount.exponent)
                if row is not None:
                    paid[row.value] = row
    return (*[paid[value] for value in sorted(paid)], *instructions)


@lru_cache(_MARKS_KEPT)  # a payment's approval and its releases name the same invoice
def _exact_invoice(vendor_id: str, number: str, minor: int, currency: str, exponent: int) -> Fingerprint | None:
    """Across company codes and years: neither is in it. None where nothing of the number is left."""
    normalised = normalised_invoice(number)
    if not normalised:
        return None
    value = stable_id("exact_invoice", vendor_id, normalised, str(minor), currency)
    amount = Money(minor, currency, exponent).decimal_text()
    compared = (f"vendor {vendor_id}", f"invoice {normalised}", f"amount {amount} {currency}")
    return _fingerprint(Rule.EXACT_INVOICE, value, compared)


def normalised_invoice(number: str) -> str:
    """As every clerk would type it: letters and digits only, upper case, compatibility forms and leading zeros gone."""
    text = number if number.isascii() else unicodedata.normalize("NFKC", number)
    return "".join(filter(str.isalnum, text)).upper().lstrip("0")
