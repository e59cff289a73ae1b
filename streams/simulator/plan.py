"""From a seed to a company's day: which payments there are, what their stories are and when each step happens.

Pure: the same seed and size give the same plan. Times are seconds since the plan's start.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from streams.domain.identity import stable_id
from streams.domain.money import EXPONENTS, Money
from streams.simulator.company import APPROVERS, BANKS, COMPANY_CODES, RELEASERS, Bank, Channel, Naming, Vendor, vendor
from streams.simulator.stories import STORIES, Step, Story, by_name

DAY_S: Final = 36_000.0
#: Who is kept waiting begins in this part of the day, so that the wait is over soon after its end.
_WAITS_BEGIN_BY: Final = 0.5
_STEP_GAP_S: Final = 60.0
_STORIES_OF_A_TWIN: Final = ("straight_through", "booked", "accepted")
#: Alive whatever a rejection says: a booked debit outweighs it, so the same invoice paid again is a duplicate.
_ALIVE: Final = frozenset({*_STORIES_OF_A_TWIN, "rejected_but_booked"})
#: Proved dead by the bank, or never handed to it: paying the invoice again is right.
_DEAD: Final = frozenset({"rejected", "run_rejected", "returned", "voided"})
_TWINS: Final = 0.025


class Twin(Enum):
    """How a payment relates to the one that it repeats. Only the first two are duplicates that must be found."""

    EXACT_INVOICE = "exact_invoice"
    SAME_INSTRUCTION = "same_instruction"
    REPLACEMENT = "replacement"
    OTHER_INVOICE = "other_invoice"
    OTHER_VENDOR = "other_vendor"


DUPLICATES: Final = frozenset({Twin.EXACT_INVOICE, Twin.SAME_INSTRUCTION})


@dataclass(frozen=True, slots=True)
class Names:
    """What one payment is called by everybody who speaks of it."""

    correlation_id: str
    document_number: str
    end_to_end_id: str
    instruction_id: str
    uetr: str
    trace_number: str


@dataclass(frozen=True, slots=True)
class Run:
    """One file of payments to one bank: an attempt's names."""

    message_id: str
    payment_info_id: str


@dataclass(frozen=True, slots=True)
class PlannedPayment:
    """One payment, its story and when each of its steps happens (``steps_s`` beside ``story.steps``)."""

    number: int
    names: Names
    story: Story
    bank: Bank
    vendor: Vendor
    company_code: str
    invoice_number: str
    amount: Money
    approver: str
    second_approver: str
    releaser: str
    run: Run
    steps_s: tuple[float, ...]
    twin_of: str | None
    twin: Twin | None

    def at_s(self, step: Step) -> float:
        """When the step happens; ValueError if it is not in the story."""
        return self.steps_s[self.story.steps.index(step)]


def plan(seed: int, payments: int) -> Iterator[PlannedPayment]:
    """``payments`` payments in the order in which they begin, each twin (1 in 40) in the place of its number.

    About two in five twins are real duplicates; the others look like one and must not be reported.
    """
    chance = random.Random(f"paystate plan {seed}")  # noqa: S311 -- a simulation, not a secret
    runs = _Runs(seed)
    earlier: list[PlannedPayment] = []
    for number in range(payments):
        start_s = DAY_S * (number + chance.random()) / payments
        payment = _payment(seed, number, start_s, chance)
        if earlier and chance.random() < _TWINS:
            payment = _as_twin(payment, earlier.pop(chance.randrange(len(earlier))), chance)
        elif payment.story.name in _ALIVE | _DEAD:
            earlier.append(payment)
        payment = replace(payment, run=runs.take(payment.bank, payment.story))
        yield payment


class _Runs:
    """Puts payments into runs: a run is full at the bank's size; a story that needs its own kind of run gets one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._open: dict[tuple[str, str], tuple[Run, int]] = {}
        self._count = 0

    def take(self, bank: Bank, story: Story) -> Run:
        """The run that the next payment of this kind goes out in."""
        kind = _run_kind(story)
        run, members = self._open.get((bank.name, kind), (None, 0))
        if run is None or members >= bank.run_size:
            self._count += 1
            name = f"{bank.name[:4]}-{self._seed}-{self._count:05d}"
            run, members = Run(f"MSG-{name}", f"PMT-{name}"), 0
        self._open[bank.name, kind] = (run, members + 1)
        return run


def _run_kind(story: Story) -> str:
    """What a bank says of a whole run is said of all of its members: stories that differ in it cannot share one."""
    if Step.RUN_REJECTED in story.steps:
        return "rejected"
    return "received" if Step.RECEIVED in story.steps else "silent"


_NO_RUN: Final = Run("", "")


def _payment(seed: int, number: int, start_s: float, chance: random.Random) -> PlannedPayment:
    story = chance.choices(STORIES, weights=[row.weight for row in STORIES])[0]
    bank = chance.choice([row for row in BANKS if _fits(row, story)])
    if story.prompt:
        start_s *= _WAITS_BEGIN_BY
    payee = vendor(chance.randrange(2_000))
    approver = chance.choice(APPROVERS)
    exponent = EXPONENTS[bank.currency]
    amount = Money(int(chance.lognormvariate(6.5, 1.4) * 10**exponent) + 100, bank.currency, exponent)
    return PlannedPayment(
        number=number,
        names=_names(seed, number),
        story=story,
        bank=bank,
        vendor=payee,
        company_code=chance.choice(COMPANY_CODES[bank.region]),
        invoice_number=f"INV-{seed}-{number:07d}",
        amount=amount,
        approver=approver,
        second_approver=APPROVERS[(APPROVERS.index(approver) + 1) % len(APPROVERS)],
        releaser=chance.choice(RELEASERS),
        run=_NO_RUN,
        steps_s=_times(story, bank, start_s, chance),
        twin_of=None,
        twin=None,
    )


def _fits(bank: Bank, story: Story) -> bool:
    """Whether the bank's habits allow the story: only files reject a whole run, only a prompt bank can be late."""
    if Step.RUN_REJECTED in story.steps:
        return bank.channel is Channel.FILE
    return bank.prompt or not story.prompt


def _names(seed: int, number: int) -> Names:
    digits = stable_id("uetr", str(seed), str(number))
    uetr = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
    tail = f"{seed}-{number:07d}"
    return Names(f"PAY-{tail}", f"DOC-{tail}", f"E2E-{tail}", f"INS-{tail}", uetr, f"{seed % 10**8:08d}{number:07d}")


def _times(story: Story, bank: Bank, start_s: float, chance: random.Random) -> tuple[float, ...]:
    """Steps in the story's order for our side; a bank takes its own time. Publishing may disturb the order later."""
    times: list[float] = []
    at_s = start_s
    for step in story.steps:
        ours = step in _OURS
        at_s += chance.uniform(1.0, _STEP_GAP_S) if ours else chance.uniform(*bank.delay_s)
        times.append(at_s)
    return tuple(times)


_OURS: Final = frozenset(
    {
        Step.REQUESTED,
        Step.APPROVED,
        Step.FIRST_APPROVED,
        Step.SECOND_APPROVED,
        Step.APPROVAL_WITHDRAWN,
        Step.INVOICE_APPROVED,
        Step.APPROVAL_REJECTED,
        Step.PROPOSED,
        Step.RELEASED,
        Step.HELD,
        Step.SUBMITTED,
        Step.SUBMIT_FAILED,
        Step.VOIDED,
        Step.RESUBMITTED,
    }
)


def _as_twin(payment: PlannedPayment, first: PlannedPayment, chance: random.Random) -> PlannedPayment:
    """Make ``payment`` repeat ``first``: a real duplicate, or one of the look-alikes that must not be reported."""
    kind = Twin.REPLACEMENT if first.story.name in _DEAD else chance.choice(_kinds_beside(first))
    story = by_name(chance.choice(_STORIES_OF_A_TWIN))
    start_s = first.steps_s[-1] + chance.uniform(60.0, 7_200.0)
    twin = replace(
        payment,
        story=story,
        bank=first.bank,
        vendor=first.vendor,
        company_code=first.company_code,
        amount=first.amount,
        steps_s=_times(story, first.bank, start_s, chance),
        twin_of=first.names.correlation_id,
        twin=kind,
    )
    if kind is Twin.SAME_INSTRUCTION:
        return replace(twin, names=replace(twin.names, instruction_id=first.names.instruction_id))
    if kind is Twin.OTHER_INVOICE:
        return twin
    if kind is Twin.OTHER_VENDOR:
        return replace(
            twin, vendor=vendor(int(first.vendor.vendor_id[1:]) + 10_000), invoice_number=first.invoice_number
        )
    return replace(twin, invoice_number=_as_typed_again(first.invoice_number, chance))


def _kinds_beside(first: PlannedPayment) -> tuple[Twin, ...]:
    """A bank that calls payments by instruction id cannot tell two of one id apart: no such twin there."""
    kinds = (Twin.EXACT_INVOICE, Twin.OTHER_INVOICE, Twin.OTHER_VENDOR)
    return (*kinds, Twin.SAME_INSTRUCTION) if first.bank.naming is Naming.UETR else kinds


def _as_typed_again(invoice_number: str, chance: random.Random) -> str:
    """The same invoice number as another clerk types it."""
    return chance.choice(
        (invoice_number, invoice_number.lower(), invoice_number.replace("-", " "), f" {invoice_number}")
    )
