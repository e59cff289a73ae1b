"""MT900 and MT910: a debit or a credit that the bank has booked, before any statement tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, Mapper, MappingError, ProviderRecord, References
from connectors.iso20022.names import own_account
from connectors.iso20022.said import Said, text
from connectors.swift_mt.information import usable_id
from connectors.swift_mt.message_reader import dated_amount_in
from connectors.swift_mt.narrative import rejection
from connectors.swift_mt.statement_mapper import BOOKED
from connectors.swift_mt.values import amount_of, moment_of
from streams.domain.bank_statuses import NOTHING, BankMeaning, entry_meaning
from streams.domain.facts import Direction, Level
from streams.domain.reference_kinds import usable_name
from streams.domain.statuses import Status


def _map(direction: Direction, record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that the message is. A credit of *our* account is somebody else's payment, unless it says
    that it returns ours."""
    fields = record.fields
    told = dated_amount_in(fields)
    value = amount_of(told.amount) if told else None
    if told is None or value is None:
        return (MappingError(record.position, "32A", "an amount", repr(text(fields, "32A"))),)
    account = _account(fields)
    why = rejection(text(fields, "72") or "") if direction is Direction.CREDIT else None
    evidence = bool(value) and own_account(account.replace(" ", "") if account else None, profile)
    meant = _meaning(direction, profile, returned=why is not None) if evidence else NOTHING
    name = usable_id(text(fields, "21"))
    return (
        Acknowledgement(
            level=Level.TRANSACTION,
            references=References(
                end_to_end_id=name,
                uetr=text(fields, "uetr"),
                instruction_id=name,
                bank_ref=usable_name(text(fields, "20"), 1),
            ),
            bank_status=BOOKED,
            lifecycle=meant.milestone,
            flags=meant.flags,
            reason_codes=why.codes if why else (),
            reason_text=why.text if why else None,
            amount=value,
            currency=told.currency,
            value_date=told.day,
            direction=direction,
            account=account,
            position=record.position,
            booked=True,
            occurred_at=moment_of(text(fields, "13D") or ""),
            bank=text(fields, "sender"),
            source_message_id=text(fields, "20"),
        ),
    )


map_debit: Final[Mapper] = partial(_map, Direction.DEBIT)
map_credit: Final[Mapper] = partial(_map, Direction.CREDIT)


def _meaning(direction: Direction, profile: BankProfile, *, returned: bool) -> BankMeaning:
    if direction is Direction.DEBIT:
        return entry_meaning(BOOKED, Level.TRANSACTION, profile.statuses)
    return BankMeaning(Status.RETURNED) if returned else NOTHING


def _account(fields: Said) -> str | None:
    """25, or the first line of 25P (the second is the bank)."""
    told = text(fields, "25") or text(fields, "25P")
    return told.partition("\n")[0].strip() if told else None
