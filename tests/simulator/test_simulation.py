"""Same seed, same bytes; and the company does all that real ones do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from streams.domain.appearances import normalised_invoice
from streams.simulator.company import BANKS, Channel
from streams.simulator.plan import DUPLICATES, PlannedPayment, Twin
from streams.simulator.said import EPOCH, Body, File, instant
from streams.simulator.simulation import Simulation, simulate
from streams.simulator.stories import STORIES
from tests.simulator.conftest import PAYMENTS, SEED


def _files(company: Simulation) -> Iterator[File]:
    return (item for item in company.said if isinstance(item, File))


def _bodies(company: Simulation) -> Iterator[Body]:
    return (item for item in company.said if isinstance(item, Body))


def _readable(company: Simulation) -> Iterator[tuple[Body, dict[str, Any]]]:
    for body in _bodies(company):
        if not body.source_message_id.startswith("UNREADABLE"):
            yield body, json.loads(body.payload)


def test_the_same_seed_and_size_say_the_same_bytes_in_the_same_order() -> None:
    first, second = simulate(3, 300), simulate(3, 300)
    assert first.said == second.said
    assert json.dumps(first.truth.as_json()) == json.dumps(second.truth.as_json())


def test_another_seed_is_another_company_with_other_names() -> None:
    first, second = simulate(3, 300), simulate(4, 300)
    assert first.truth.payments.keys().isdisjoint(second.truth.payments)
    assert {item.payload for item in _bodies(first)}.isdisjoint(item.payload for item in _bodies(second))


def test_there_are_as_many_payments_as_asked_for_and_one_truth_each(company: Simulation) -> None:
    assert len(company.payments) == len(company.truth.payments) == PAYMENTS


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_small_company_is_one_too(size: int) -> None:
    assert len(simulate(1, size).truth.payments) == size


def test_every_story_and_every_bank_occurs(company: Simulation) -> None:
    assert {payment.story.name for payment in company.payments} == {story.name for story in STORIES}
    assert {payment.bank for payment in company.payments} == set(BANKS)


def test_no_two_payments_share_a_name_but_where_the_plan_says_so(company: Simulation) -> None:
    for name in ("correlation_id", "document_number", "end_to_end_id", "uetr", "trace_number"):
        assert len({getattr(payment.names, name) for payment in company.payments}) == PAYMENTS
    twins = sum(payment.twin is Twin.SAME_INSTRUCTION for payment in company.payments)
    assert twins > 0
    assert len({payment.names.instruction_id for payment in company.payments}) == PAYMENTS - twins


def test_every_file_is_whole_xml_of_one_of_two_messages(company: Simulation) -> None:
    roots = Counter(etree.QName(etree.fromstring(file.content)[0]).localname for file in _files(company))
    assert set(roots) == {"CstmrPmtStsRpt", "BkToCstmrDbtCdtNtfctn"}


def test_a_file_bank_names_its_payments_in_files_and_in_nothing_else(company: Simulation) -> None:
    file_banks = {bank.name for bank in BANKS if bank.channel is Channel.FILE}
    assert {file.bank for file in _files(company)} == file_banks
    assert file_banks.isdisjoint(body.source for body in _bodies(company))


def test_a_run_goes_out_in_files_of_the_banks_size(company: Simulation) -> None:
    members = Counter((payment.bank, payment.run.message_id) for payment in company.payments)
    assert all(count <= bank.run_size for (bank, _), count in members.items())
    assert any(count == bank.run_size for (bank, _), count in members.items())


def test_some_things_are_said_twice_byte_for_byte(company: Simulation) -> None:
    ids = Counter((body.source, body.source_message_id) for body in _bodies(company))
    contents = Counter((body.source, body.source_message_id, body.payload) for body in _bodies(company))
    assert 2 in ids.values()
    assert sum(ids.values()) - len(ids) == sum(contents.values()) - len(contents)
    files = Counter(file.content for file in _files(company))
    assert 2 in files.values()


def test_a_bank_with_that_habit_tells_every_booking_again_in_another_message(company: Simulation) -> None:
    messages: dict[str, set[str]] = {}
    for file in _files(company):
        root = etree.fromstring(file.content)
        for entry in root.iterfind(".//{*}TxDtls/{*}Refs/{*}AcctSvcrRef"):
            (message_id,) = (item.text or "" for item in root.iterfind(".//{*}GrpHdr/{*}MsgId"))
            messages.setdefault(f"{file.bank} {entry.text}", set()).add(message_id)
    told = {name: len(found) for name, found in messages.items()}
    assert {count for name, count in told.items() if name.startswith("HELVETIA")} == {2}
    assert {count for name, count in told.items() if name.startswith("NORDBANK")} == {1}


def test_some_things_are_published_before_or_long_after_they_happened(company: Simulation) -> None:
    early = late = 0
    for body, document in _readable(company):
        said_at = instant(body.at_s)
        early += said_at < document["occurred_at"]
        late += body.at_s - 3_600 > 0 and instant(body.at_s - 3_600) > document["occurred_at"]
    assert early > 100
    assert late > 100


def test_some_payments_are_spoken_of_by_the_bank_before_their_release(company: Simulation) -> None:
    released: set[str] = set()
    surprised = 0
    owners = {payment.names.uetr: payment.names.correlation_id for payment in company.payments}
    for body, document in _readable(company):
        if body.format == "release.json":
            released.add(document["correlation_id"])
        elif body.format == "acknowledgement.json" and "uetr" in document["references"]:
            surprised += owners[document["references"]["uetr"]] not in released
    assert surprised > 0


def test_messages_are_in_the_order_of_their_time_and_what_is_held_back_comes_last(company: Simulation) -> None:
    on_time = len(company.said) - company.held_back
    for part in (company.said[:on_time], company.said[on_time:]):
        times = [item.at_s for item in part]
        assert times == sorted(times)
    held_back = [isinstance(item, Body) and item.held_back for item in company.said]
    assert held_back == [False] * on_time + [True] * company.held_back


def _held_back(company: Simulation) -> Iterator[tuple[PlannedPayment, set[str]]]:
    """Each payment of which something is held back, and the own ids of that."""
    ids = {body.source_message_id for body in _bodies(company) if body.held_back}
    for payment in company.payments:
        if payment.story.held_back:
            yield payment, {name for name in ids if name.startswith(f"{payment.names.document_number}-")}


def test_a_bank_that_answers_late_and_a_release_that_is_known_late_are_held_back_whole(company: Simulation) -> None:
    found = {payment.story.name: steps for payment, steps in _held_back(company)}
    assert found.keys() == {"answered_late", "known_late"}
    for payment, ids in _held_back(company):
        number = payment.names.document_number
        assert ids == {f"{number}-{step.value}" for step in payment.story.held_back}


def test_what_waits_in_vain_has_been_said_before_the_wait_begins(company: Simulation) -> None:
    awaited = {
        f"{payment.names.document_number}-{step.value}"
        for payment in company.payments
        if payment.story.held_back
        for step in payment.story.steps
        if step not in payment.story.held_back
    }
    said = [item.source_message_id for item in company.said[: company.awaited] if isinstance(item, Body)]
    assert awaited <= set(said)
    assert company.awaited < len(company.said) - company.held_back


def test_only_prompt_banks_keep_somebody_waiting(company: Simulation) -> None:
    waiting = [payment for payment in company.payments if payment.story.prompt]
    assert {payment.story.name for payment in waiting} == {"never_answered", "answered_late", "known_late"}
    assert all(payment.bank.prompt for payment in waiting)


def test_the_simulated_clocks_are_ahead_of_every_real_one() -> None:
    assert datetime.now(UTC) < EPOCH - timedelta(days=365)


def test_the_truth_knows_every_duplicate_and_no_lookalike(company: Simulation) -> None:
    twins = [payment for payment in company.payments if payment.twin is not None]
    assert {payment.twin for payment in twins} == set(Twin)
    expected = {
        frozenset({payment.twin_of, payment.names.correlation_id}) for payment in twins if payment.twin in DUPLICATES
    }
    assert company.truth.duplicates == expected


def _first_of(company: Simulation) -> Iterator[tuple[PlannedPayment, PlannedPayment]]:
    by_id = {payment.names.correlation_id: payment for payment in company.payments}
    for payment in company.payments:
        if payment.twin_of is not None:
            yield by_id[payment.twin_of], payment


def test_a_duplicate_shares_what_its_rule_compares_and_a_lookalike_does_not(company: Simulation) -> None:
    for first, twin in _first_of(company):
        same_invoice = (first.vendor, normalised_invoice(first.invoice_number), first.amount) == (
            twin.vendor,
            normalised_invoice(twin.invoice_number),
            twin.amount,
        )
        same_instruction = first.names.instruction_id == twin.names.instruction_id
        assert same_instruction is (twin.twin is Twin.SAME_INSTRUCTION)
        assert same_invoice is (twin.twin in (Twin.EXACT_INVOICE, Twin.REPLACEMENT))


def test_a_replacement_follows_only_a_payment_that_is_proved_dead(company: Simulation) -> None:
    for first, twin in _first_of(company):
        dead = first.story.name in ("rejected", "run_rejected", "returned", "voided")
        assert (twin.twin is Twin.REPLACEMENT) is dead


def test_strangers_and_unreadable_messages_are_counted_in_the_truth(company: Simulation) -> None:
    ids = [body.source_message_id for body in _bodies(company)]
    assert company.truth.waiting == sum(name.startswith("STRANGER") for name in ids) > 0
    assert company.truth.dead_letters == sum(name.startswith("UNREADABLE") for name in ids) > 0


def test_the_seed_names_the_payments(company: Simulation) -> None:
    assert all(name.startswith(f"PAY-{SEED}-") for name in company.truth.payments)
