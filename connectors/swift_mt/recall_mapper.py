"""MT n92 and n96: a payment is recalled; the bank's answer to a recall (camt.056 and camt.029 in other words)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, ProviderRecord, References
from connectors.iso20022.said import Said, text
from connectors.swift_mt.information import usable_id
from connectors.swift_mt.message_reader import COPIED, dated_amount_in
from connectors.swift_mt.values import amount_of
from streams.domain.bank_statuses import BankMeaning, recall_meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag

_RECALLED: Final = BankMeaning(None, (Flag.RECALL_REQUESTED,))
#: /AM09/, /DUPL/, /CUST/TEXT: a reason; /UETR/... and /TEXT/... are none.
_CODE: Final = re.compile(r"/([A-Z]{2}[0-9]{2}|[A-Z]{4})(?:/(.*))?", re.DOTALL)
_NO_REASONS: Final = frozenset({"UETR", "TEXT", "MREF", "TREF"})
_UETR: Final = re.compile(r"/UETR/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_ANSWER: Final = re.compile(r"/?(CNCL|RJCR|PDCR|[A-Z]{4})(?:/+([A-Z0-9]{4}))?(?:/.*)?")


def map_recall(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:  # noqa: ARG001 -- a Mapper
    """A recall. It states no status: the message is the statement."""
    codes, words = _reasons(text(record.fields, "79"))
    name = f"MT{text(record.fields, 'type') or 'n92'}"
    return (_acknowledgement(record, name, _RECALLED, codes, words),)


def map_answer(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The answer to a recall: the first code of field 76. An answer without one is words for a person."""
    told = text(record.fields, "76") or ""
    first, _, rest = told.partition("\n")
    match = _ANSWER.fullmatch(first.strip())
    more = [text(record.fields, "77A"), text(record.fields, "79")]
    codes, words = _reasons("\n".join([rest, *(part for part in more if part)]))
    if match is None:
        name = f"MT{text(record.fields, 'type') or 'n96'}"
        return (_acknowledgement(record, name, BankMeaning(None), codes, " ".join([told, words or ""]).strip()),)
    status, reason = match.groups()
    meant = recall_meaning(status, Level.TRANSACTION, profile.statuses)
    return (
        _acknowledgement(record, status, meant, tuple(dict.fromkeys([*([reason] if reason else []), *codes])), words),
    )


def _reasons(told: str | None) -> tuple[tuple[str, ...], str | None]:
    """Codes at the beginning of lines; the words beside them and on other lines."""
    codes: dict[str, None] = {}
    words: list[str] = []
    for line in _unwrapped(told).splitlines():
        match = _CODE.fullmatch(line.strip())
        if match is None:
            words.append(line.strip())
        elif match.group(1) == "TEXT":
            words.append(match.group(2) or "")
        elif match.group(1) not in _NO_REASONS:
            codes[match.group(1)] = None
            words.append((match.group(2) or "").strip("/"))
    return tuple(codes), " ".join(" ".join(words).split()) or None


def _acknowledgement(
    record: ProviderRecord, status: str, meant: BankMeaning, codes: tuple[str, ...], words: str | None
) -> Acknowledgement:
    fields = record.fields
    told = dated_amount_in(fields)
    return Acknowledgement(
        level=Level.TRANSACTION,
        references=_references(fields),
        bank_status=status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=codes,
        reason_text=words or None,
        amount=amount_of(told.amount) if told else None,
        currency=told.currency if told else None,
        value_date=told.day if told else None,
        direction=Direction.DEBIT,
        account=None,
        position=record.position,
        bank=text(fields, "sender"),
        source_message_id=text(fields, "20"),
    )


def _references(fields: Said) -> References:
    """The UETR is in block 3 or in the text. A copy of the recalled message has its own field 20, which names the
    payment. Else a recall's field 21 does; that of an answer names the recall, and is tried only where nothing else
    names anything."""
    uetr = text(fields, "uetr")
    for tag in ("79", "76", "77A"):
        found = _UETR.search(_unwrapped(text(fields, tag)).replace("\n", ""))
        uetr = uetr or (found.group(1).lower() if found else None)
    is_answer = text(fields, "76") is not None
    name = usable_id(text(fields, f"{COPIED} 20"))
    if name is None and not (is_answer and uetr):
        name = usable_id(text(fields, "21"))
    return References(uetr=uetr, instruction_id=name, message_id=name)


def _unwrapped(told: str | None) -> str:
    """Lines that go on with ``//`` belong to the line before."""
    return (told or "").replace("\n//", "")
