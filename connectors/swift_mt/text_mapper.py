"""MT199 and other n99: where a payment is (gpi), that it was rejected or returned, or words for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, ProviderRecord, References
from connectors.iso20022.said import Said, text
from connectors.swift_mt.information import usable_id
from connectors.swift_mt.narrative import Rejection, Tracked, rejection, tracked
from streams.domain.bank_statuses import BankMeaning, meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

_REJECTED: Final = "RJCT"
_RETURNED: Final = BankMeaning(Status.RETURNED)
RETURN: Final = "RETN"
"""A return states no status: the message is the statement."""
_DUPLICATE: Final = BankMeaning(None, (Flag.DUPLICATE_REJECTION,))


def map_text(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that the message is. Words without a code say nothing that ranks: they are kept, and their
    status, the message's own name, has no row: somebody is told."""
    words = text(record.fields, "79") or ""
    status = tracked(words)
    if status is not None:
        return (_of_status(record, status, profile),)
    why = rejection(words)
    if why is not None:
        return (_of_rejection(record, why, profile),)
    told = " ".join(words.split()) or None
    name = f"MT{text(record.fields, 'type') or '199'}"
    return (_acknowledgement(record, name, BankMeaning(None), reason_text=told),)


def _of_status(record: ProviderRecord, status: Tracked, profile: BankProfile) -> Acknowledgement:
    meant = _meant(status.status, (status.reason,) if status.reason else (), profile)
    return _acknowledgement(
        record,
        status.status,
        meant,
        codes=(status.reason,) if status.reason else (),
        tracked_=status,
    )


def _meant(status: str, codes: tuple[str, ...], profile: BankProfile) -> BankMeaning:
    meant = meaning(status, Level.TRANSACTION, profile.statuses)
    again = meant.milestone is Status.REJECTED and Rejection(False, codes, None, {}, None).duplicate
    return _DUPLICATE if again else meant


def _of_rejection(record: ProviderRecord, why: Rejection, profile: BankProfile) -> Acknowledgement:
    if why.returned:
        meant = _RETURNED
    else:
        meant = meaning(_REJECTED, Level.TRANSACTION, profile.statuses)
        meant = _DUPLICATE if meant.milestone is Status.REJECTED and why.duplicate else meant
    return _acknowledgement(
        record,
        RETURN if why.returned else _REJECTED,
        meant,
        codes=why.codes,
        reason_text=why.text,
        why=why,
    )


def _acknowledgement(
    record: ProviderRecord,
    status: str,
    meant: BankMeaning,
    *,
    codes: tuple[str, ...] = (),
    reason_text: str | None = None,
    tracked_: Tracked | None = None,
    why: Rejection | None = None,
) -> Acknowledgement:
    amount = tracked_.amount if tracked_ else None
    charges = tracked_.charges if tracked_ else (why.charges if why else None)
    return Acknowledgement(
        level=Level.TRANSACTION,
        references=_references(record.fields, why),
        bank_status=status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=codes,
        reason_text=reason_text,
        amount=amount.value if amount else None,
        currency=amount.currency if amount else None,
        value_date=None,
        direction=Direction.CREDIT if meant.milestone is Status.RETURNED else Direction.DEBIT,
        account=None,
        position=record.position,
        occurred_at=tracked_.at if tracked_ else None,
        charges=charges.value if charges else None,
        charges_currency=charges.currency if charges else None,
        bank=text(record.fields, "sender"),
        source_message_id=text(record.fields, "20"),
    )


def _references(fields: Said, why: Rejection | None) -> References:
    """Field 21 is our name of the payment; which of them, it does not say. A rejection says it: MREF is what we called
    our message, which is one payment, TREF the transaction (often cut off, and then it names nothing)."""
    told = why.references if why else {}
    name = usable_id(text(fields, "21")) or usable_id(told.get("MREF"))
    uetr = text(fields, "uetr") or told.get("UETR")
    return References(
        end_to_end_id=usable_id(told["TREF"]) if "TREF" in told else name,
        uetr=uetr.lower() if uetr else None,
        instruction_id=name,
    )
