"""Facts of made-up payments, encoded: an approval, a release and an acknowledgement each, as the join meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.codec import Codec, codec
from streams.domain.facts import (
    Approval,
    ApprovalScope,
    BankAck,
    Decision,
    Direction,
    InvoiceAllocation,
    Level,
    Party,
    Precision,
    Reference,
    ReferenceKind,
    Release,
    ReleaseStage,
)
from streams.domain.identity import stable_id
from streams.domain.money import Money
from streams.domain.statuses import Status

STREAMS: Final = ("payments.approvals.v1", "payments.releases.v1", "payments.bank-acks.v1")
_START_US: Final = 1_767_600_000_000_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """One record to produce."""

    topic: str
    key: bytes
    value: bytes
    event_id: str


class Facts:
    """Makes encoded facts. ``run`` keeps the payments of one measurement apart from those of another."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._approvals: Codec[Approval] = codec(STREAMS[0], Approval)
        self._releases: Codec[Release] = codec(STREAMS[1], Release)
        self._acks: Codec[BankAck] = codec(STREAMS[2], BankAck)

    def payments(self, count: int, in_flight: int) -> Iterator[Encoded]:
        """Three facts a payment; at most ``in_flight`` payments are under way at a time, as on a working day."""
        for first in range(0, count, in_flight):
            numbers = range(first, min(first + in_flight, count))
            for make in (self.approval, self.release, self.acknowledgement):
                for number in numbers:
                    yield make(number)

    def key(self, number: int) -> str:
        """The correlation id of a payment."""
        return f"{self._run}-{number:08d}"

    def approval(self, number: int) -> Encoded:
        """The whole approval of a payment."""
        key, amount = self.key(number), _amount(number)
        at = _START_US + number * 1_000
        event_id = stable_id("bench approval", key)
        value = Approval(
            event_id=event_id,
            payload_hash=stable_id(event_id),
            correlation_id=key,
            source="coupa",
            source_event_id=f"A-{key}",
            occurred_at=at,
            precision=Precision.TIME,
            received_at=at + 500,
            trace_id=stable_id("trace", key),
            scope=ApprovalScope.PAYMENT,
            scope_key=key,
            round=1,
            step=1,
            steps_required=1,
            actor="a.lindqvist",
            decision=Decision.APPROVED,
            sequence=1,
            content_hash=None,
            invoices=(_invoice(number),),
            vendor_id="V00017",
            amount=amount,
            company_code="1000",
            region="EU",
            references=(),
            delivery=0,
            withdrawn=False,
        )
        return Encoded(STREAMS[0], key.encode(), self._approvals.encode(value), event_id)

    def release(self, number: int) -> Encoded:
        """The submission of a payment to the bank."""
        key, amount = self.key(number), _amount(number)
        at = _START_US + number * 1_000 + 60_000_000
        event_id = stable_id("bench release", key)
        batch = f"PMT-{self._run}-{number // 100:06d}"
        value = Release(
            event_id=event_id,
            payload_hash=stable_id(event_id),
            correlation_id=key,
            source="sap",
            source_event_id=f"R-{key}",
            occurred_at=at,
            precision=Precision.TIME,
            received_at=at + 500,
            trace_id=stable_id("trace", key),
            stage=ReleaseStage.SUBMITTED,
            message_id=f"MSG-{batch}",
            payment_info_id=batch,
            source_system="SAP",
            company_code="1000",
            region="EU",
            bank="NORDBANK",
            rail="SEPA",
            run_id=None,
            file_id=None,
            batch_id=batch,
            payer=None,
            payee=Party("V00017", "Vendor 00017 GmbH", "4711", stable_id("account", str(number % 997))),
            amount=amount,
            equivalent_amount=False,
            requested_execution_date="2026-01-05",
            invoices=(_invoice(number),),
            content_hash=None,
            actor="t.novak",
            supersedes=None,
            reason_codes=(),
            reason_text=None,
            references=(
                Reference(ReferenceKind.UETR, stable_id("uetr", key)),
                Reference(ReferenceKind.END_TO_END_ID, f"E2E-{key}"),
                Reference(ReferenceKind.INSTRUCTION_ID, f"INS-{key}"),
                Reference(ReferenceKind.PAYMENT_INFO_ID, batch),
                Reference(ReferenceKind.MESSAGE_ID, f"MSG-{batch}"),
            ),
        )
        return Encoded(STREAMS[1], key.encode(), self._releases.encode(value), event_id)

    def acknowledgement(self, number: int) -> Encoded:
        """The bank's acceptance of a payment."""
        key = self.key(number)
        at = _START_US + number * 1_000 + 120_000_000
        event_id = stable_id("bench ack", key)
        batch = f"PMT-{self._run}-{number // 100:06d}"
        value = BankAck(
            event_id=event_id,
            payload_hash=stable_id(event_id),
            correlation_id=key,
            source="NORDBANK",
            source_event_id=f"S-{batch}/{number}",
            occurred_at=at,
            precision=Precision.TIME,
            received_at=at + 500,
            trace_id=stable_id("trace", key),
            bank="NORDBANK",
            format="pain.002",
            level=Level.TRANSACTION,
            source_message_id=f"S-{batch}",
            file_hash=stable_id("file", batch),
            position=f"OrgnlPmtInfAndSts[1]/TxInfAndSts[{number % 100 + 1}]",
            bank_status="ACCP",
            milestone=Status.BANK_ACCEPTED,
            flags=(),
            reason_codes=(),
            reason_text=None,
            booked=False,
            direction=Direction.UNKNOWN,
            amount=None,
            charges=None,
            value_date=None,
            booking_date=None,
            account_hash=None,
            bank_ref=f"NOR{number:012d}",
            booking_key=None,
            batch_count=None,
            batch_sum=None,
            message_id=f"MSG-{batch}",
            payment_info_id=batch,
            references=(Reference(ReferenceKind.END_TO_END_ID, f"E2E-{key}"),),
            delivery=1,
            withdrawn=False,
        )
        return Encoded(STREAMS[2], key.encode(), self._acks.encode(value), event_id)


def _amount(number: int) -> Money:
    return Money(10_000 + number * 7919 % 1_000_000, "EUR", 2)


def _invoice(number: int) -> InvoiceAllocation:
    return InvoiceAllocation(f"V00017/INV-{number:08d}", f"INV-{number:08d}", None)
