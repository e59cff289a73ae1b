"""Where a file bank's words are gathered: one report a run and round, one notification a run, returns by the fifty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.simulator.bank_files import BookingLine, StatusLine, notification, status_report
from streams.simulator.bodies import (
    BOOKINGS,
    OWN_ACCOUNT,
    REASON_CODES,
    STATUS_CODES,
    attempt,
    bank_ref,
    entry_amount,
    names_said,
)
from streams.simulator.plan import DAY_S, PlannedPayment
from streams.simulator.said import File, day, instant
from streams.simulator.stories import Step

_AFTER_S: Final = 120.0
_RETURN_FILE_LINES: Final = 50
_SAID_OF_RUNS: Final = {Step.RECEIVED: "ACTC", Step.RUN_REJECTED: "RJCT"}

_Line = tuple[PlannedPayment, Step, float]


@dataclass(slots=True)
class FileDesk:
    """Takes what banks say step by step; ``files`` are what they send of it. ``seed`` names the messages."""

    seed: int
    _runs: dict[tuple[str, Step], tuple[PlannedPayment, float]] = field(default_factory=dict)
    _reports: dict[tuple[str, str, int], list[_Line]] = field(default_factory=lambda: defaultdict(list))
    _bookings: dict[tuple[str, str, int], list[_Line]] = field(default_factory=lambda: defaultdict(list))
    _returned: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, payment: PlannedPayment, step: Step, at_s: float, number: int) -> None:
        """One step that the bank speaks of; ``number``: how many status reports it has told of the payment before."""
        if step in _SAID_OF_RUNS:
            self._of_run(payment, step, at_s)
        elif step in BOOKINGS:
            self._booking(payment, step, at_s)
        else:
            run = attempt(payment, step)
            self._reports[run.message_id, run.payment_info_id, number].append((payment, step, at_s))

    def _of_run(self, payment: PlannedPayment, step: Step, at_s: float) -> None:
        """What is said of a whole run is said once, when the last of its payments has been submitted."""
        known = self._runs.get((payment.run.message_id, step))
        self._runs[payment.run.message_id, step] = (payment, max(at_s, known[1] if known else 0.0))

    def _booking(self, payment: PlannedPayment, step: Step, at_s: float) -> None:
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
            yield _word_on_run(message_id, step, payment, at_s)
        for (message_id, payment_info_id, number), lines in self._reports.items():
            yield _report(f"{message_id}-S{number}", message_id, payment_info_id, lines)
        for (bank, run, number), lines in self._bookings.items():
            name = f"N-{self.seed}-{bank}-{run}-{number}"
            at_s = _latest(lines)
            yield _notification(name, at_s, lines)
            if lines[0][0].bank.tells_again:
                yield _notification(f"{name}-EOD", max(at_s, DAY_S), lines)


def _latest(lines: Iterable[_Line]) -> float:
    return max(at_s for _, _, at_s in lines)


def _word_on_run(message_id: str, step: Step, payment: PlannedPayment, at_s: float) -> File:
    own_id = f"{message_id}-{step.value}"
    info_id = payment.run.payment_info_id
    content = status_report(own_id, instant(at_s), message_id, info_id, _SAID_OF_RUNS[step], ())
    return File(at_s + _AFTER_S, payment.bank.name, f"{own_id}.xml", content)


def _report(own_id: str, message_id: str, payment_info_id: str, lines: list[_Line]) -> File:
    at_s = _latest(lines)
    rows = [
        StatusLine(status=STATUS_CODES[step], reason_code=REASON_CODES.get(step), **_line_names(payment))
        for payment, step, _ in lines
    ]
    content = status_report(own_id, instant(at_s), message_id, payment_info_id, None, rows)
    return File(at_s + _AFTER_S, lines[0][0].bank.name, f"{own_id}.xml", content)


def _notification(own_id: str, at_s: float, lines: list[_Line]) -> File:
    rows = [
        BookingLine(
            bank_ref=bank_ref(payment, step),
            amount=entry_amount(payment, step).decimal_text(),
            currency=payment.amount.currency,
            booked_on=day(line_s),
            returned=step is Step.RETURNED,
            **_line_names(payment),
        )
        for payment, step, line_s in lines
    ]
    content = notification(own_id, instant(at_s), OWN_ACCOUNT, rows)
    return File(at_s + _AFTER_S, lines[0][0].bank.name, f"{own_id}.xml", content)


def _line_names(payment: PlannedPayment) -> dict[str, str | None]:
    said = names_said(payment)
    return {name: said.get(name) for name in ("end_to_end_id", "instruction_id", "uetr")}
