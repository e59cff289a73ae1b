"""The names that payments and facts go by, and whether somebody who asks for one means this payment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from itertools import islice
from typing import Final

from streams.domain.facts import Approval, BankAck, PaymentFact, ReferenceKind, Release
from streams.domain.state import State

SHORTEST_PREFIX: Final = 3
"""A shorter beginning of a name would fit half of all payments."""
_SCOPED: Final = frozenset({ReferenceKind.BANK_REF, ReferenceKind.DOCUMENT_NUMBER, ReferenceKind.INVOICE})
_COMPARED: Final = 50_000
_SUGGESTED: Final = 5
_LIKENESS: Final = 0.7


@dataclass(frozen=True, slots=True)
class Name:
    """One name, and what kind of name it is: ``correlation id``, ``END_TO_END_ID``, ``run`` …"""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Fit(Enum):
    """How well what was asked for fits a name."""

    EXACT = "exact"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Matched:
    """The name that fits, and how."""

    name: Name
    fit: Fit


def names_of_state(state: State) -> Iterator[Name]:
    """Every name of a payment, the correlation id first."""
    yield Name("correlation id", state.correlation_id)
    yield from (Name(reference.kind.value, reference.value) for reference in state.references)
    for invoice in state.invoices:
        yield Name("INVOICE", invoice.key)
        yield Name("INVOICE", invoice.number)
    yield from _named(run=state.run_id, file=state.file_id, batch=state.batch_id)


def names_of_fact(fact: PaymentFact) -> Iterator[Name]:
    """Every name that a fact carries: its own, its payment's, its message's."""
    yield from _named(**{"correlation id": fact.correlation_id})
    if isinstance(fact, BankAck | Release | Approval):
        yield from (Name(reference.kind.value, reference.value) for reference in fact.references)
    if isinstance(fact, BankAck | Release):
        yield from _named(MESSAGE_ID=fact.message_id, PAYMENT_INFO_ID=fact.payment_info_id)
    if isinstance(fact, BankAck):
        yield from _named(BANK_REF=fact.bank_ref, message=fact.source_message_id, file=fact.file_hash)
    if isinstance(fact, Release):
        yield from _named(run=fact.run_id, file=fact.file_id, batch=fact.batch_id)
    if isinstance(fact, Approval | Release):
        yield from (Name("INVOICE", text) for row in fact.invoices for text in (row.key, row.number))


def _named(**names: str | None) -> Iterator[Name]:
    return (Name(kind, value) for kind, value in names.items() if value)


def match(asked: str, names: Iterable[Name]) -> Matched | None:
    """The best fit among the names: exact before prefix, case always counts."""
    begins: Matched | None = None
    for name in names:
        if any(asked in (form, f"{name.kind}:{form}") for form in _forms(name)):
            return Matched(name, Fit.EXACT)
        if begins is None and len(asked) >= SHORTEST_PREFIX and any(form.startswith(asked) for form in _forms(name)):
            begins = Matched(name, Fit.PREFIX)
    return begins


def _forms(name: Name) -> tuple[str, ...]:
    """What people may write for a name: ``4711`` too for ``BANKX/4711``, as they know the name but not its scope."""
    value = name.value
    if name.kind == ReferenceKind.UETR:
        return value, value.upper()
    if name.kind in _SCOPED and "/" in value:
        parts = value.split("/")
        return tuple("/".join(parts[start:]) for start in range(len(parts)))
    return (value,)


def suggestions(asked: str, names: Iterable[Name]) -> tuple[str, ...]:
    """The nearest names, best first: other case, then contained, then alike. Looks at 50,000 names at most."""
    values = sorted({form for name in islice(names, _COMPARED) for form in _forms(name)})
    folded = asked.casefold()
    same = [value for value in values if value.casefold() == folded]
    within = [value for value in values if len(asked) >= SHORTEST_PREFIX and folded in value.casefold()]
    alike = get_close_matches(asked, values, _SUGGESTED, _LIKENESS)
    return tuple(list(dict.fromkeys([*same, *within, *alike]))[:_SUGGESTED])
