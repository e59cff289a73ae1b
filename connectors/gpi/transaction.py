"""One payment transaction of the tracker: where the payment is, and how its recall stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from connectors.contract import JSON, Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord, References
from connectors.gpi.money import amount_in, charges_in
from connectors.iso20022.amounts import Amount, UnreadableError
from connectors.iso20022.names import name_at
from connectors.iso20022.reasons import Reasons
from connectors.iso20022.said import Said, every, first, text, texts
from streams.domain.bank_statuses import NOTHING, BankMeaning, meaning, recall_meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

_UETR: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CODE: Final = re.compile(r"[A-Za-z0-9_ ]{1,35}", re.ASCII)
#: Service levels of gpi for corporates: G007 tracks what others pay us.
_INBOUND: Final = frozenset({"G007"})
#: Events of the customer's transfer itself: the payment passed on, its status updated. CO.. are those of the cover.
_PASSED_ON: Final = "CTPT"
_OF_THE_COVER: Final = "CO"
_RETURNED: Final = BankMeaning(Status.RETURNED)
_DUPLICATE: Final = BankMeaning(None, (Flag.DUPLICATE_REJECTION,))
_RECALL: Final = "cancellation_status"
_BIC_OF_BANK: Final = 8
"""Characters of a BIC that name the bank; three more name its branch."""


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A transaction, with those of its events that count: valid ones, not the cover's."""

    fields: Said
    position: str
    status: str
    reasons: Reasons
    events: tuple[Said, ...]

    @property
    def sends_back(self) -> tuple[Said, ...]:
        """Events of the money on its way back to us."""
        return tuple(event for event in self.events if _is_true(event, "return"))

    @property
    def outward(self) -> tuple[Said, ...]:
        """Events of the money on its way to the payee."""
        return tuple(event for event in self.events if not _is_true(event, "return"))

    @property
    def stating(self) -> Said:
        """Who stated the status, with which amounts: the transaction itself, else the last event with its status."""
        if first(self.fields, "confirmed_amount") is not None:
            return self.fields
        return next((event for event in reversed(self.outward) if _status_of(event)[0] == self.status), None)


def map_transaction(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """What the tracker says of the payment; of its recall too, if there is one."""
    try:
        return tuple(_acknowledgements(_transaction(record), profile))
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


def _transaction(record: ProviderRecord) -> _Transaction:
    """The record, with a status that an update nests (payment_status/detailed_status) brought to the top."""
    nested = [first(record.fields, "payment_status"), first(record.fields, "payment_status", "detailed_status")]
    fields: dict[str, JSON] = dict(record.fields)
    for part in nested:
        fields.update(part if isinstance(part, dict) else {})
    status, reasons = _status_of(fields)
    if status is None or _CODE.fullmatch(status) is None:
        raise UnreadableError("transaction_status", "the code of a status, as ACSP", repr(status))
    events = [*every(fields, "payment_event"), *every(fields, "payment_events")]
    return _Transaction(fields, record.position, status, reasons, tuple(filter(_counts, events)))


def _counts(event: Said) -> bool:
    invalid = first(event, "valid") in (False, "false")
    return not invalid and not (text(event, "tracker_event_type") or "").startswith(_OF_THE_COVER)


def _is_true(event: Said, name: str) -> bool:
    return first(event, name) in (True, "true")


def _status_of(said: Said) -> tuple[str | None, Reasons]:
    """Status and reasons: beside each other (from version 4), or both in one object."""
    stated = first(said, "transaction_status")
    within = isinstance(stated, dict)
    status = text(stated, "status") if within else text(stated)
    names = ("transaction_status_reason", "reject_return_reason")
    codes = [*texts(stated, "reason")] if within else []
    codes += [found for name in names for found in texts(said, name)]
    return status, Reasons(tuple(dict.fromkeys(code for code in codes if _CODE.fullmatch(code))))


def _acknowledgements(said: _Transaction, profile: BankProfile) -> Iterator[Acknowledgement]:
    names, inbound = _references(said), text(said.fields, "service_level") in _INBOUND
    yield _of_payment(said, names, inbound, profile)
    answer = text(said.fields, _RECALL) or text(said.fields, _RECALL, "transaction_cancellation_status")
    answer = answer or text(said.fields, "transaction_cancellation_status")
    if answer is not None:
        meant = NOTHING if inbound else recall_meaning(answer, Level.TRANSACTION, profile.statuses)
        direction = Direction.CREDIT if inbound else Direction.DEBIT
        yield _acknowledgement(said, names, answer, meant, direction, position=f"{said.position}/{_RECALL}")


def _of_payment(said: _Transaction, names: References, inbound: bool, profile: BankProfile) -> Acknowledgement:
    meant = NOTHING if inbound else _meaning(said, profile)
    back = inbound or meant.milestone is Status.RETURNED
    confirmed = _returned_amount(said) if back and not inbound else amount_in(said.stating, "confirmed_amount")
    instructed = None if back else _instructed(said)
    converted = confirmed and instructed and instructed.currency != confirmed.currency and instructed.value
    charges = None if back else charges_in(said.stating, _charge_bearer(said))
    return _acknowledgement(
        said,
        names,
        said.status,
        meant,
        Direction.CREDIT if back else Direction.DEBIT,
        position=said.position,
        reasons=said.reasons,
        amount=instructed if converted else confirmed,
        entry=confirmed if converted else None,
        charges=charges,
    )


def _meaning(said: _Transaction, profile: BankProfile) -> BankMeaning:
    """A rejection with the money on its way back is a return. Any other status of such a payment speaks of the way
    back, not of the payee's account: it proves nothing."""
    meant = meaning(said.status, Level.TRANSACTION, profile.statuses)
    rejected = meant.milestone is Status.REJECTED
    if said.sends_back:
        return _RETURNED if rejected else NOTHING
    return _DUPLICATE if rejected and said.reasons.duplicate else meant


def _acknowledgement(
    said: _Transaction,
    names: References,
    status: str,
    meant: BankMeaning,
    direction: Direction,
    *,
    position: str,
    reasons: Reasons | None = None,
    amount: Amount | None = None,
    entry: Amount | None = None,
    charges: Amount | None = None,
) -> Acknowledgement:
    return Acknowledgement(
        level=Level.TRANSACTION,
        references=names,
        bank_status=status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=reasons.codes if reasons else (),
        reason_text=None,
        amount=_value(amount),
        currency=amount.currency if amount else None,
        value_date=None,
        direction=direction,
        account=None,
        position=position,
        occurred_at=_occurred_at(said),
        charges=_value(charges),
        charges_currency=charges.currency if charges else None,
        bank=_bank(said),
        entry_amount=_value(entry),
        entry_currency=entry.currency if entry else None,
    )


def _value(amount: Amount | None) -> Decimal | None:
    return amount.value if amount else None


def _references(said: _Transaction) -> References:
    """The UETR names the payment. Each bank on the way has an instruction id of its own: only the one of our bank's
    transfer is a name of ours."""
    uetr = text(said.fields, "uetr")
    if uetr is not None and _UETR.fullmatch(uetr) is None:
        raise UnreadableError("uetr", "a UETR (a UUID, as 97ed4827-7b6f-4491-a06f-b548d5a7512d)", repr(uetr))
    names = References(
        end_to_end_id=_only_name(said, "end_to_end_identification"),
        uetr=uetr.lower() if uetr else None,
        instruction_id=name_at(said.fields, "instruction_identification") or _our_instruction(said),
    )
    if names == References():
        raise UnreadableError("uetr", "the UETR of the payment, or another name of it", "none")
    return names


def _only_name(said: _Transaction, field: str) -> str | None:
    """The transaction's, else the one that all events agree on."""
    found = {name_at(event, field) for event in said.outward} - {None}
    return name_at(said.fields, field) or (found.pop() if len(found) == 1 else None)


def _our_instruction(said: _Transaction) -> str | None:
    transfers = [event for event in said.outward if text(event, "tracker_event_type") == _PASSED_ON]
    if len(transfers) > 1:
        transfers = [event for event in transfers if _is_first_leg(event)]
    found = {name_at(event, "instruction_identification") for event in transfers}
    return found.pop() if len(found) == 1 else None


def _is_first_leg(event: Said) -> bool:
    """Sent by the payer's bank."""
    sender, payers = text(event, "from"), text(event, "serial_parties", "debtor_agent")
    return sender is not None and payers is not None and sender[:_BIC_OF_BANK] == payers[:_BIC_OF_BANK]


def _instructed(said: _Transaction) -> Amount | None:
    """What was instructed: on every leg the same, in the currency of the instruction."""
    for place in (said.fields, *said.outward):
        amount = amount_in(place, "instructed_amount")
        if amount is not None:
            return amount
    return None


def _returned_amount(said: _Transaction) -> Amount | None:
    back = said.sends_back[-1]
    return amount_in(back, "confirmed_amount") or amount_in(back, "interbank_settlement_amount")


def _charge_bearer(said: _Transaction) -> str | None:
    """CRED, SHAR or DEBT: as the stating bank says, else as the transfer does."""
    places = (said.stating, said.fields, *said.outward)
    return next((found for place in places if (found := text(place, "charge_bearer"))), None)


def _occurred_at(said: _Transaction) -> str | None:
    """When it reached this status, as far as that is told."""
    names = ("completion_time", "transaction_status_date", "last_update_time", "confirmed_date")
    own = next((found for name in names if (found := text(said.fields, name))), None)
    return own or text(said.stating, "last_update_time") or text(said.fields, "funds_available")


def _bank(said: _Transaction) -> str | None:
    """The bank that told the tracker."""
    names = ("tracker_informing_party", "originator", "from")
    places = (said.fields, said.stating)
    return next((found for place in places for name in names if (found := text(place, name))), None)
