"""Who answered in time, read from raw records and their append times alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from schemas.records import Raw
from streams.simulator.punctuality import Punctuality, Silence, unanswered
from tests.generation import example

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
NAMES = {"uetr": "U-1", "end_to_end_id": "E-1", "instruction_id": "I-1"}
FILE = {"message_id": "M-1", "payment_info_id": "P-1"}


class Bank:
    """A bank that has a minute, and what was heard of one payment of its."""

    def __init__(self) -> None:
        self.heard = Punctuality({"BANKX": MINUTE_US})

    def release(self, stage: str, at: int, names: dict[str, str], **fields: Any) -> None:
        said = {"correlation_id": "PAY-1", "bank": "BANKX", "stage": stage, "references": names}
        self._note("release.json", {"occurred_at": "2040-01-02T06:00:00+00:00", **said, **fields}, at)

    def submit(self, at: int, **fields: Any) -> None:
        self.release("released", at, NAMES)
        self.release("submitted", at, FILE, **fields)

    def answer(self, at: int, **names: str) -> None:
        self._note("acknowledgement.json", {"references": names or {"uetr": "U-1", **FILE}}, at)

    def _note(self, format_: str, said: dict[str, Any], at: int) -> None:
        raw = replace(example("payments.raw.v1", Raw), format=format_, payload=json.dumps(said).encode())
        self.heard.note(raw, at)

    def silences(self, until: int = DAY_US) -> list[Silence]:
        return list(self.heard.silences(until))


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.mark.parametrize(("at", "late"), [(MINUTE_US, False), (MINUTE_US + 1, True), (-5, False)])
def test_an_answer_is_late_one_microsecond_after_the_deadline(bank: Bank, at: int, late: bool) -> None:
    bank.submit(0)
    bank.answer(at)
    assert bank.silences() == ([Silence("PAY-1", MINUTE_US, at)] if late else [])
    assert unanswered(bank.silences()) == frozenset()


def test_a_payment_that_is_never_answered_waits_only_when_its_time_is_up(bank: Bank) -> None:
    bank.submit(0)
    assert bank.silences(MINUTE_US - 1) == []
    assert unanswered(bank.silences(MINUTE_US)) == {"PAY-1"}


def test_the_first_copy_of_each_counts_whatever_the_order(bank: Bank) -> None:
    bank.answer(2 * MINUTE_US)
    bank.submit(30)
    bank.answer(MINUTE_US)
    bank.submit(10)
    assert bank.silences() == []
    bank.submit(0, references={**FILE})
    assert bank.silences() == []


@pytest.mark.parametrize(
    ("occurred_at", "began_at"),
    [("2040-01-02T06:00:00+00:00", DAY_US), ("1970-01-01T12:00:00+00:00", DAY_US // 2), ("1970-01-01", DAY_US)],
)
def test_the_time_runs_from_the_submission_but_not_from_after_we_heard_of_it(
    bank: Bank, occurred_at: str, began_at: int
) -> None:
    bank.submit(DAY_US, occurred_at=occurred_at)
    assert [row.due_at for row in bank.silences(3 * DAY_US)] == [began_at + MINUTE_US]


def test_an_answer_about_another_attempt_answers_nothing(bank: Bank) -> None:
    bank.submit(0)
    bank.answer(1, uetr="U-1", message_id="M-2", payment_info_id="P-1")
    assert unanswered(bank.silences()) == {"PAY-1"}


def test_a_bank_without_a_deadline_is_never_late(bank: Bank) -> None:
    bank.submit(0, bank="BANKY")
    assert bank.silences() == []


def test_what_cannot_be_read_says_nothing(bank: Bank) -> None:
    for payload in (b"{", b"[]"):
        bank.heard.note(replace(example("payments.raw.v1", Raw), format="release.json", payload=payload), 0)
    assert bank.silences() == []
