"""What everybody says about the planned payments: canonical JSON of our side, callbacks and files of the banks.

Disturbances do not change the truth: some things are said twice, some before their time, some long after.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from streams.domain.money import Money
from streams.simulator.bank_files import BookingLine, StatusLine, notification, status_report
from streams.simulator.company import Channel, Naming
from streams.simulator.plan import PlannedPayment, Run
from streams.simulator.stories import Step
from streams.simulator.truth import booked_minor

#: Simulated time begins here; the plan's seconds are counted from it.
EPOCH: Final = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
OWN_ACCOUNT: Final = "XX00PAYSTATE00000001"
_REPEATED: Final = 0.03
_EARLY: Final = 0.05
_LATE: Final = 0.05
_EARLY_BY_S: Final = 7_200.0
_LATE_BY_S: Final = 20_000.0
_FILE_AFTER_S: Final = 120.0
_RETURN_FILE_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body without a file. ``source_message_id`` is the sender's own id: the same again is a redelivery."""

    at_s: float
    source: str
    source_message_id: str
    format: str
    payload: bytes
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A bank's file."""

    at_s: float
    bank: str
    name: str
    content: bytes


Said = Body | File

_APPROVALS: Final = {
    Step.REQUESTED: "requested",
    Step.APPROVED: "approved",
    Step.INVOICE_APPROVED: "approved",
    Step.APPROVAL_REJECTED: "rejected",
}
_RELEASES: Final = {
    Step.PROPOSED: "proposed",
    Step.RELEASED: "released",
    Step.SUBMITTED: "submitted",
    Step.RESUBMITTED: "submitted",
    Step.SUBMIT_FAILED: "submit_failed",
    Step.VOIDED: "voided",
}
_STATUS_CODES: Final = {
    Step.RECEIVED: "ACTC",
    Step.ACCEPTED: "ACCP",
    Step.ACCEPTED_AGAIN: "ACCP",
    Step.IN_PROCESS: "ACSP",
    Step.SETTLED: "ACSC",
    Step.REJECTED: "RJCT",
    Step.CREDITED: "ACCC",
}
_BOOKINGS: Final = frozenset({Step.BOOKED, Step.BOOKED_SHORT, Step.RETURNED})
_SAID_OF_RUNS: Final = {Step.RECEIVED: "ACTC", Step.RUN_REJECTED: "RJCT"}


def instant(at_s: float) -> str:
    """A simulated time as ISO 8601 with its offset."""
    return (EPOCH + timedelta(seconds=at_s)).isoformat(timespec="milliseconds")


def messages(payments: Iterable[PlannedPayment], seed: int) -> list[Said]:
    """Everything that is said, in the order in which it is published."""
    chance = random.Random(f"paystate messages {seed}")  # noqa: S311 -- a simulation, not a secret
    desk = _FileDesk(seed)
    said: list[Said] = []
    for payment in payments:
        for body in _bodies(payment, desk):
            said.extend(_disturbed(body, chance))
    said.extend(desk.files())
    said.sort(key=lambda item: item.at_s)
    return said


def _disturbed(body: Body, chance: random.Random) -> Iterator[Body]:
    """The body when it is published: usually on time, sometimes early, late or twice."""
    draw, at_s = chance.random(), body.at_s
    if draw < _EARLY:
        at_s -= chance.uniform(0.0, _EARLY_BY_S)
    elif draw < _EARLY + _LATE:
        at_s += chance.uniform(0.0, _LATE_BY_S)
    moved = Body(at_s, body.source, body.source_message_id, body.format, body.payload, body.sender)
    yield moved
    if chance.random() < _REPEATED:
        again_s = at_s + chance.uniform(1.0, _LATE_BY_S)
        yield Body(again_s, body.source, body.source_message_id, body.format, body.payload, body.sender)


def _bodies(payment: PlannedPayment, desk: _FileDesk) -> Iterator[Body]:
    """Our side's bodies and a callback bank's; what a bank says in files is left at the desk."""
    rounds = 0
    for step, at_s in zip(payment.story.steps, payment.steps_s, strict=True):
        if step in _APPROVALS:
            yield _approval(payment, step, at_s)
        elif step in _RELEASES:
            yield _release(payment, step, at_s)
        elif step is Step.MATCHED:
            yield _match(payment, at_s)
        elif payment.bank.channel is Channel.CALLBACK:
            yield _callback(payment, step, at_s)
        elif step in _SAID_OF_RUNS:
            desk.of_run(payment, step, at_s)
        elif step in _BOOKINGS:
            desk.booking(payment, step, at_s)
        else:
            desk.status(payment, step, at_s, rounds)
            rounds += 1


def _body(payment: PlannedPayment, step: Step, at_s: float, source: str, kind: str, document: dict[str, Any]) -> Body:
    own_id = f"{payment.names.document_number}-{step.value}"
    whole = {"source": source, "source_event_id": own_id, "occurred_at": instant(at_s), **document}
    return Body(at_s, source, own_id, kind, json.dumps(whole, separators=(",", ":")).encode())


def _amount(money: Money) -> dict[str, str]:
    return {"value": money.decimal_text(), "currency": money.currency}


def _approval(payment: PlannedPayment, step: Step, at_s: float) -> Body:
    by_invoice = step is Step.INVOICE_APPROVED
    document: dict[str, Any] = {
        "scope": "invoice" if by_invoice else "payment",
        "actor": payment.approver,
        "decision": _APPROVALS[step],
        "sequence": 1 if step is Step.REQUESTED else 2,
        "vendor_id": payment.vendor.vendor_id,
        "amount": _amount(payment.amount),
        "company_code": payment.company_code,
        "region": payment.bank.region,
        "invoices": [_invoice(payment)],
    }
    if not by_invoice:
        document["correlation_id"] = payment.names.correlation_id
    return _body(payment, step, at_s, "coupa", "approval.json", document)


def _invoice(payment: PlannedPayment) -> dict[str, Any]:
    return {"number": payment.invoice_number, "vendor_id": payment.vendor.vendor_id}


def _attempt(payment: PlannedPayment, step: Step) -> Run:
    """The run that carries this step: a repaired payment goes out in a second one."""
    if step in (Step.RESUBMITTED, Step.ACCEPTED_AGAIN):
        first = payment.run
        return Run(f"{first.message_id}-R", f"{first.payment_info_id}-R", first.submitted_s)
    return payment.run


def _release(payment: PlannedPayment, step: Step, at_s: float) -> Body:
    names = payment.names
    references = {
        "uetr": names.uetr,
        "end_to_end_id": names.end_to_end_id,
        "instruction_id": names.instruction_id,
        "trace_number": names.trace_number,
        "document_number": names.document_number,
    }
    document: dict[str, Any] = {
        "correlation_id": names.correlation_id,
        "stage": _RELEASES[step],
        "source_system": "SAP",
        "company_code": payment.company_code,
        "region": payment.bank.region,
        "bank": payment.bank.name,
        "rail": payment.bank.rail,
        "payee": {
            "vendor_id": payment.vendor.vendor_id,
            "name": payment.vendor.name,
            "account": payment.vendor.account,
        },
        "amount": _amount(payment.amount),
        "requested_execution_date": instant(at_s)[:10],
        "invoices": [_invoice(payment)],
        "actor": payment.releaser,
    }
    if step in (Step.SUBMITTED, Step.RESUBMITTED):
        run = _attempt(payment, step)
        references |= {"message_id": run.message_id, "payment_info_id": run.payment_info_id}
        document["batch_id"] = run.payment_info_id
    return _body(payment, step, at_s, "sap", "release.json", document | {"references": references})


def _match(payment: PlannedPayment, at_s: float) -> Body:
    document = {
        "correlation_id": payment.names.correlation_id,
        "kind": "matched",
        "entry_ref": _bank_ref(payment, Step.BOOKED),
        "amount": _amount(payment.amount),
    }
    return _body(payment, Step.MATCHED, at_s, "recon", "reconciliation.json", document)


def _bank_ref(payment: PlannedPayment, step: Step) -> str:
    return f"{payment.bank.name[:3]}{payment.names.trace_number}{'R' if step is Step.RETURNED else ''}"


def _names_said(payment: PlannedPayment) -> dict[str, str]:
    """The names by which this bank calls the payment."""
    names = payment.names
    every = {"uetr": names.uetr, "end_to_end_id": names.end_to_end_id, "instruction_id": names.instruction_id}
    naming = payment.bank.naming
    return every if naming is Naming.ALL else {naming.value: every[naming.value]}


def _callback(payment: PlannedPayment, step: Step, at_s: float) -> Body:
    run = _attempt(payment, step)
    document: dict[str, Any] = {
        "bank": payment.bank.name,
        "references": _names_said(payment)
        | {"message_id": run.message_id, "payment_info_id": run.payment_info_id, "bank_ref": _bank_ref(payment, step)},
    }
    if step in _BOOKINGS:
        returned = step is Step.RETURNED
        document |= {
            "status": "BOOK",
            "booked": True,
            "direction": "credit" if returned else "debit",
            "returned": returned,
            "amount": _amount(_booked(payment, step)),
            "booking_date": instant(at_s)[:10],
            "value_date": instant(at_s)[:10],
            "account": OWN_ACCOUNT,
            "reason_codes": ["AC04"] if returned else [],
        }
    else:
        document |= {"status": _STATUS_CODES[step], "reason_codes": ["AC01"] if step is Step.REJECTED else []}
    body = _body(payment, step, at_s, payment.bank.name, "acknowledgement.json", document)
    return Body(body.at_s, body.source, body.source_message_id, body.format, body.payload, payment.bank.name)


def _booked(payment: PlannedPayment, step: Step) -> Money:
    minor = booked_minor(payment) if step is Step.BOOKED_SHORT else payment.amount.minor
    return Money(minor, payment.amount.currency, payment.amount.exponent)


@dataclass(slots=True)
class _FileDesk:
    """Gathers what a bank says in files: one report a run and round, one notification a run, returns by the fifty."""

    seed: int
    _runs: dict[tuple[str, Step], tuple[PlannedPayment, float]] = field(default_factory=dict)
    _reports: dict[tuple[str, str, int], list[tuple[PlannedPayment, Step, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _bookings: dict[tuple[str, str, int], list[tuple[PlannedPayment, Step, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _returned: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def of_run(self, payment: PlannedPayment, step: Step, at_s: float) -> None:
        """What is said of a whole run is said once, when the last of its payments has been submitted."""
        known = self._runs.get((payment.run.message_id, step))
        self._runs[payment.run.message_id, step] = (payment, max(at_s, known[1] if known else 0.0))

    def status(self, payment: PlannedPayment, step: Step, at_s: float, number: int) -> None:
        """A line of the ``number``-th report about the run that carries the payment in this step."""
        run = _attempt(payment, step)
        self._reports[run.message_id, run.payment_info_id, number].append((payment, step, at_s))

    def booking(self, payment: PlannedPayment, step: Step, at_s: float) -> None:
        """A line of the run's notification; returned payments come together, whatever their run."""
        key = (payment.bank.name, payment.run.message_id, 0)
        if step is Step.RETURNED:
            number = self._returned[payment.bank.name]
            self._returned[payment.bank.name] += 1
            key = (payment.bank.name, "returns", number // _RETURN_FILE_LINES)
        self._bookings[key].append((payment, step, at_s))

    def files(self) -> Iterator[File]:
        """All files, each at the time of its latest line."""
        for (message_id, step), (payment, at_s) in self._runs.items():
            content = status_report(
                f"{message_id}-{step.value}",
                instant(at_s),
                message_id,
                payment.run.payment_info_id,
                _SAID_OF_RUNS[step],
                (),
            )
            yield File(at_s + _FILE_AFTER_S, payment.bank.name, f"{message_id}-{step.value}.xml", content)
        for (message_id, payment_info_id, number), lines in self._reports.items():
            yield _report(f"{message_id}-S{number}", message_id, payment_info_id, lines)
        for (bank, run, number), lines in self._bookings.items():
            yield _notification(f"N-{self.seed}-{bank}-{run}-{number}", lines)


def _report(
    own_id: str, message_id: str, payment_info_id: str, lines: list[tuple[PlannedPayment, Step, float]]
) -> File:
    at_s = max(line[2] for line in lines)
    rows = [
        StatusLine(
            status=_STATUS_CODES[step],
            reason_code="AC01" if step is Step.REJECTED else None,
            **_line_names(payment),
        )
        for payment, step, _ in lines
    ]
    content = status_report(own_id, instant(at_s), message_id, payment_info_id, None, rows)
    return File(at_s + _FILE_AFTER_S, lines[0][0].bank.name, f"{own_id}.xml", content)


def _notification(own_id: str, lines: list[tuple[PlannedPayment, Step, float]]) -> File:
    at_s = max(line[2] for line in lines)
    rows = [
        BookingLine(
            bank_ref=_bank_ref(payment, step),
            amount=_booked(payment, step).decimal_text(),
            currency=payment.amount.currency,
            booked_on=instant(line_s)[:10],
            returned=step is Step.RETURNED,
            **_line_names(payment),
        )
        for payment, step, line_s in lines
    ]
    content = notification(own_id, instant(at_s), OWN_ACCOUNT, rows)
    return File(at_s + _FILE_AFTER_S, lines[0][0].bank.name, f"{own_id}.xml", content)


def _line_names(payment: PlannedPayment) -> dict[str, str | None]:
    said = _names_said(payment)
    return {name: said.get(name) for name in ("end_to_end_id", "instruction_id", "uetr")}
