"""Duplicate payments: one alert a pair, whatever the order of what is told; only proved death is a veto."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain.duplicates import SCORES, WINDOW_US, PairRow, hits_of, judge, newer, pair_of
from streams.domain.facts import InvoiceAllocation, Reference, ReferenceKind, ReleaseStage, VerdictAction
from streams.domain.fingerprints import (
    Appearance,
    DuplicateAction,
    DuplicateAlert,
    DuplicateState,
    FingerprintMessage,
    FingerprintMessageType,
    Liveness,
    PairVerdict,
    Rule,
)
from streams.domain.state import Severity
from streams.domain.statuses import Status
from tests.domain.given import (
    DAY,
    FILE_A,
    FILE_B,
    NOON_US,
    Told,
    ack,
    after,
    approval,
    booking,
    money_back,
    recall_answer,
    release,
    return_report,
    submission,
    usd,
    verdict,
)

_DAY_US = 86_400_000_000
_ALIVE = (Liveness.PLANNED, Liveness.SUBMITTED, Liveness.SETTLED)


def appearance(
    payment: str,
    liveness: Liveness = Liveness.PLANNED,
    version: int = 1,
    rule: Rule = Rule.EXACT_INVOICE,
    fingerprint: str = "f",
    at: int = NOON_US,
) -> Appearance:
    return Appearance(
        rule=rule,
        fingerprint=fingerprint,
        correlation_id=payment,
        version=version,
        liveness=liveness,
        status=Status.RELEASED,
        at=at,
        bank="BANKX",
        company_code="1000",
        region="EU",
        vendor_id="V1",
        amount=usd(100_000),
        invoices=(),
        compared=(f"{rule} {fingerprint}",),
    )


def told(row: Appearance) -> FingerprintMessage:
    key = f"{row.rule}:{row.fingerprint}"
    return FingerprintMessage(FingerprintMessageType.APPEARANCE, key, row.at, row, None, None, "t")


def ruling(alert_id: str, confirmed: bool, number: int = 1) -> FingerprintMessage:
    verdict_ = PairVerdict(alert_id, confirmed, "pat", "seen", number)
    key = f"pair:{alert_id}"
    return FingerprintMessage(FingerprintMessageType.VERDICT, key, NOON_US, None, None, verdict_, "t")


class Book:
    """Fingerprints and pairs in memory; messages of one fingerprint to one pair keep their order."""

    def __init__(self) -> None:
        self.members: dict[str, dict[str, Appearance]] = {}
        self.pairs: dict[str, PairRow] = {}
        self.alerts: list[DuplicateAlert] = []

    def take(self, message: FingerprintMessage) -> list[FingerprintMessage]:
        row = message.appearance
        if row is None:
            judged = judge(self.pairs.get(message.key) or PairRow(), message, 1)
            self.pairs[message.key] = judged.row
            if judged.alert is not None:
                self.alerts.append(judged.alert)
            return []
        members = self.members.setdefault(message.key, {})
        if not newer(members.get(row.correlation_id), row):
            return []
        others = [other for payment, other in sorted(members.items()) if payment != row.correlation_id]
        members[row.correlation_id] = row
        return hits_of(row, others, message)

    def final(self) -> list[DuplicateAlert]:
        """What stands of each pair, but for what counts how often it was looked at."""
        last = {alert.alert_id: alert for alert in self.alerts}
        return [
            replace(alert, number=0, at=0, trace_id="", first=_plain(alert.first), second=_plain(alert.second))
            for _, alert in sorted(last.items())
            if alert.state is not DuplicateState.WITHDRAWN
        ]


def _plain(row: Appearance) -> Appearance:
    """Which of a payment's fingerprints stands for it, and at which version, is of no matter."""
    return replace(row, version=0, rule=Rule.UNKNOWN, fingerprint="", compared=())


def book_of(*messages: FingerprintMessage) -> Book:
    book = Book()
    todo = list(messages)
    while todo:
        todo = [*book.take(todo[0]), *todo[1:]]
    return book


def test_a_pair_has_one_alert_that_lists_all_rules_ranked_by_the_surest() -> None:
    rows = [
        appearance(payment, rule=rule, fingerprint=str(rule))
        for payment, rule in product(("P1", "P2"), (Rule.EXACT_INVOICE, Rule.SAME_INSTRUCTION))
    ]
    (alert,) = book_of(*map(told, rows)).final()
    assert alert.alert_id == pair_of("P1", "P2") == pair_of("P2", "P1")
    assert alert.rules == (Rule.EXACT_INVOICE, Rule.SAME_INSTRUCTION)
    assert alert.score == SCORES[Rule.SAME_INSTRUCTION]
    assert alert.compared == ("EXACT_INVOICE EXACT_INVOICE", "SAME_INSTRUCTION SAME_INSTRUCTION")


@pytest.mark.parametrize(("first", "second"), list(product(Liveness, Liveness)))
def test_only_proved_death_of_one_is_a_veto(first: Liveness, second: Liveness) -> None:
    book = book_of(told(appearance("P1", first)), told(appearance("P2", second)))
    dead = {first, second} & {Liveness.DEAD, Liveness.GONE}
    assert len(book.final()) == (0 if dead else 1)


@pytest.mark.parametrize(
    ("first", "second", "action", "severity"),
    [
        (Liveness.PLANNED, Liveness.PLANNED, DuplicateAction.STOP, Severity.WARNING),
        (Liveness.SUBMITTED, Liveness.PLANNED, DuplicateAction.HOLD_OTHER, Severity.CRITICAL),
        (Liveness.SUBMITTED, Liveness.SUBMITTED, DuplicateAction.HOLD_OTHER, Severity.CRITICAL),
        (Liveness.SETTLED, Liveness.SUBMITTED, DuplicateAction.HOLD_OTHER, Severity.CRITICAL),
        (Liveness.SETTLED, Liveness.SETTLED, DuplicateAction.RECALL, Severity.CRITICAL),
    ],
)
def test_severity_follows_the_lifecycle(
    first: Liveness, second: Liveness, action: DuplicateAction, severity: Severity
) -> None:
    (alert,) = book_of(told(appearance("P1", first)), told(appearance("P2", second))).final()
    assert (alert.action, alert.severity) == (action, severity)


def test_an_alert_is_withdrawn_when_one_dies_and_opened_again_at_a_sign_of_life() -> None:
    book = book_of(
        told(appearance("P1")),
        told(appearance("P2")),
        told(appearance("P1", Liveness.DEAD, 2)),
        told(appearance("P1", Liveness.SUBMITTED, 3)),
    )
    assert [alert.state for alert in book.alerts] == [
        DuplicateState.OPEN,
        DuplicateState.WITHDRAWN,
        DuplicateState.OPEN,
    ]
    assert [alert.number for alert in book.alerts] == [1, 2, 3]


def test_a_rule_holds_within_its_window_only() -> None:
    window_us = WINDOW_US[Rule.EXACT_INVOICE]
    assert window_us is not None
    assert window_us >= 730 * _DAY_US
    near = appearance("P2", at=NOON_US + window_us)
    far = appearance("P2", at=NOON_US + window_us + 1)
    assert len(book_of(told(appearance("P1")), told(near)).final()) == 1
    assert book_of(told(appearance("P1")), told(far)).final() == []


def test_the_same_instruction_is_one_for_life() -> None:
    rule = Rule.SAME_INSTRUCTION
    old, new = appearance("P1", rule=rule), appearance("P2", rule=rule, at=NOON_US + 9_999 * _DAY_US)
    assert len(book_of(told(old), told(new)).final()) == 1


def test_older_news_and_repeats_change_nothing() -> None:
    book = book_of(told(appearance("P1", version=2)), told(appearance("P2")))
    assert book.take(told(appearance("P1", Liveness.DEAD, 1))) == []
    assert book.take(told(appearance("P1", version=2))) == []


def test_a_persons_word_stands_whatever_the_rules_say_later() -> None:
    alert_id = pair_of("P1", "P2")
    pair = (told(appearance("P1")), told(appearance("P2")))
    for confirmed, state in ((True, DuplicateState.CONFIRMED), (False, DuplicateState.DISMISSED)):
        for book in (book_of(*pair, ruling(alert_id, confirmed)), book_of(ruling(alert_id, confirmed), *pair)):
            assert [alert.state for alert in book.final()] == [state]
            assert book.alerts[-1].actor == "pat"
    later = book_of(*pair, ruling(alert_id, True, 2), ruling(alert_id, False, 1))
    assert [alert.state for alert in later.final()] == [DuplicateState.CONFIRMED]


@pytest.mark.parametrize(
    ("first", "second", "held"),
    [
        (Liveness.PLANNED, Liveness.PLANNED, "P2"),
        (Liveness.SUBMITTED, Liveness.PLANNED, "P2"),
        (Liveness.PLANNED, Liveness.SUBMITTED, "P1"),
        (Liveness.SUBMITTED, Liveness.SUBMITTED, None),
    ],
)
def test_the_one_that_the_bank_does_not_have_is_held_the_later_one_if_it_has_neither(
    first: Liveness, second: Liveness, held: str | None
) -> None:
    one, two = appearance("P1", first), appearance("P2", second, at=NOON_US + 1)
    (hit,) = hits_of(two, [one], told(two))
    verdicts = judge(PairRow(), hit, 1).verdicts
    assert {row.correlation_id: row.hold for row in verdicts} == {"P1": held == "P1", "P2": held == "P2"}
    assert {row.other for row in verdicts} == {"P1", "P2"}
    assert {row.action for row in verdicts} == {VerdictAction.SUSPECT}


def test_a_verdict_is_one_fact_a_pair_and_payment_that_a_higher_number_replaces() -> None:
    one, two, dead = appearance("P1"), appearance("P2"), appearance("P1", Liveness.DEAD, 2)
    (hit,) = hits_of(two, [one], told(two))
    opened = judge(PairRow(), hit, 1)
    (again,) = hits_of(dead, [two], told(dead))
    closed = judge(opened.row, again, 1)
    assert [(row.event_id, row.payload_hash) for row in closed.verdicts] == [
        (row.event_id, row.payload_hash) for row in opened.verdicts
    ]
    assert {row.number for row in opened.verdicts} == {1}
    assert {(row.number, row.action, row.hold) for row in closed.verdicts} == {(2, VerdictAction.CLEAR, False)}


_LIVES = st.lists(st.sampled_from(tuple(Liveness)), min_size=1, max_size=3)
_PAYMENTS = st.dictionaries(st.sampled_from(("P1", "P2", "P3")), _LIVES, min_size=2)
_MARKS = st.sets(st.sampled_from(((Rule.EXACT_INVOICE, "i"), (Rule.SAME_INSTRUCTION, "s"))), min_size=1)


@settings(max_examples=250, deadline=None)
@given(st.data(), _PAYMENTS, _MARKS, st.lists(st.booleans(), max_size=2))
def test_the_final_alerts_do_not_depend_on_the_order_in_which_anything_was_told(
    data: st.DataObject, payments: dict[str, list[Liveness]], marks: set[tuple[Rule, str]], rulings: list[bool]
) -> None:
    """Any order between payments, fingerprints, pairs and a person; hits of one fingerprint stay in order."""
    messages = [
        told(appearance(payment, liveness, version, rule, mark, NOON_US + len(payment)))
        for payment, lives in payments.items()
        for version, liveness in enumerate(lives, 1)
        for rule, mark in sorted(marks)
    ]
    messages += [ruling(pair_of("P1", "P2"), word, number) for number, word in enumerate(rulings, 1)]
    calm = book_of(*messages)
    wild = Book()
    channels: dict[tuple[str, str], list[FingerprintMessage]] = {}
    for number, message in enumerate(data.draw(st.permutations(messages))):
        channels[f">{number}", message.key] = [message]
    choice = data.draw(st.randoms(use_true_random=False))
    while channels:
        way = choice.choice(sorted(channels))
        message = channels[way].pop(0)
        if not channels[way]:
            del channels[way]
        for hit in wild.take(message):
            channels.setdefault((message.key, hit.key), []).append(hit)
    assert wild.final() == calm.final()


# liveness


_SENT = (release("r"), submission("s"))


@pytest.mark.parametrize(
    ("story", "liveness"),
    [
        (after(release("r")), Liveness.PLANNED),
        (after(*_SENT), Liveness.SUBMITTED),
        (after(*_SENT, ack("k", "ACSP")), Liveness.SUBMITTED),
        (after(*_SENT, booking("b", usd(1))), Liveness.SETTLED),
        (after(*_SENT, booking("b")), Liveness.SETTLED),
        (after(*_SENT, booking("b"), money_back("m")), Liveness.DEAD),
        (after(*_SENT, booking("b"), money_back("m", usd(99_999))), Liveness.SETTLED),
        (after(*_SENT, booking("b"), return_report("p")), Liveness.SETTLED),
        (after(*_SENT, recall_answer("c", "CNCL")), Liveness.DEAD),
        (after(*_SENT, ack("k", "CANC", file=FILE_A)), Liveness.SUBMITTED),
        (after(*_SENT, ack("k", "RJCT", file=FILE_A)), Liveness.DEAD),
        (after(*_SENT, ack("k", "RJCT", file=FILE_A), booking("b")), Liveness.SETTLED),
        (after(*_SENT, ack("k", "RJCT", file=FILE_A), submission("s2", FILE_B, 60)), Liveness.SUBMITTED),
        (after(release("r"), release("v", ReleaseStage.VOIDED, 12)), Liveness.DEAD),
        (after(*_SENT, release("v", ReleaseStage.VOIDED, 30)), Liveness.SUBMITTED),
        (
            after(*_SENT, release("f", ReleaseStage.SUBMIT_FAILED, 21, message_id=FILE_A, payment_info_id="B1")),
            Liveness.SUBMITTED,
        ),
        (after(release("r", supersedes="P0")), Liveness.PLANNED),
    ],
)
def test_a_payment_is_dead_only_if_it_is_proved(story: Told, liveness: Liveness) -> None:
    assert story.known.view.liveness is liveness


# appearances


def _marks(story: Told) -> list[tuple[Rule, tuple[str, ...]]]:
    return [(row.rule, row.compared) for row in story.known.view.fingerprints]


def test_a_payment_appears_under_each_name_and_each_invoice_allocation() -> None:
    invoices = (InvoiceAllocation("a", "INV 007", usd(40_000)), InvoiceAllocation("b", "8", usd(60_000)))
    names = (Reference(ReferenceKind.UETR, "u"), Reference(ReferenceKind.MESSAGE_ID, "m"))
    assert sorted(_marks(after(release("r", invoices=invoices, references=names)))) == [
        (Rule.EXACT_INVOICE, ("vendor V1", "invoice 8", "amount 600.00 USD")),
        (Rule.EXACT_INVOICE, ("vendor V1", "invoice INV007", "amount 400.00 USD")),
        (Rule.SAME_INSTRUCTION, ("UETR:u",)),
    ]


@pytest.mark.parametrize("number", ["INV-7", "inv 7", "00INV7", "INV.7", "ＩＮＶ－７"])
def test_an_invoice_number_is_compared_as_every_clerk_would_type_it(number: str) -> None:
    one = after(release("r", invoices=(InvoiceAllocation("k", number, None),))).known.view.fingerprints
    other = after(release("r", invoices=(InvoiceAllocation("k", "INV-7", None),))).known.view.fingerprints
    assert one == other


def test_many_invoices_without_allocations_are_never_compared_by_the_payments_total() -> None:
    invoices = (InvoiceAllocation("a", "7", None), InvoiceAllocation("b", "8", None))
    assert [rule for rule, _ in _marks(after(release("r", invoices=invoices)))] == [Rule.SAME_INSTRUCTION]


def test_a_mark_that_a_payment_lost_is_told_as_gone() -> None:
    story = after(release("r"), release("r2", at=11, invoices=(InvoiceAllocation("n", "NEW-1", None),)))
    gone = [row for row in story.appearances if row.liveness is Liveness.GONE]
    assert [row.rule for row in gone] == [Rule.EXACT_INVOICE]
    assert gone[0].fingerprint in {row.fingerprint for row in after(release("r")).appearances}


def test_a_payment_in_a_pair_tells_every_change_of_its_life_and_any_payment_its_death() -> None:
    alone = after(release("r"), submission("s"), booking("b"), money_back("m"))
    assert {row.liveness for row in alone.appearances} == {Liveness.PLANNED, Liveness.DEAD}
    paired = after(release("r"), verdict("v"), submission("s"), booking("b"))
    assert [row.liveness for row in paired.appearances if row.rule is Rule.EXACT_INVOICE] == [
        Liveness.PLANNED,
        Liveness.PLANNED,
        Liveness.SUBMITTED,
        Liveness.SETTLED,
    ]


def test_the_time_of_an_appearance_is_when_our_side_first_spoke_whatever_came_since() -> None:
    facts = (approval("a", 3), release("r", at=10), ack("k", "ACSP", 50), booking("b", at=5 * DAY))
    for story in (after(*facts), after(*facts[::-1])):
        assert story.appearances[-1].at == facts[0].occurred_at
