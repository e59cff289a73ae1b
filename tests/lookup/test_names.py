"""Whoever asks for a name gets the payment that goes by it, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.domain.facts import BankAck, InvoiceAllocation, Reference, ReferenceKind
from streams.domain.state import State
from streams.lookup.names import Fit, Name, match, names_of_fact, names_of_state, suggestions
from tests.generation import example

E2E = Name("END_TO_END_ID", "PMT-778120")


def test_a_name_fits_to_the_letter() -> None:
    found = match("PMT-778120", [Name("run", "PMT-77812"), E2E])
    assert found is not None
    assert (found.name, found.fit) == (E2E, Fit.EXACT)
    assert match("pmt-778120", [E2E]) is None


def test_the_beginning_of_a_name_fits_as_a_prefix_and_its_middle_does_not() -> None:
    found = match("PMT-77", [E2E])
    assert found is not None
    assert found.fit is Fit.PREFIX
    assert match("778120", [E2E]) is None


def test_an_exact_name_comes_before_a_longer_one_that_begins_so() -> None:
    found = match("PMT-1", [Name("run", "PMT-10"), Name("batch", "PMT-1")])
    assert found is not None
    assert (found.name.kind, found.fit) == ("batch", Fit.EXACT)


def test_two_characters_are_no_beginning_of_a_name() -> None:
    assert match("PM", [E2E]) is None


@pytest.mark.parametrize("asked", ["4711", "V-1/4711", "INVOICE:4711", "INVOICE:V-1/4711"])
def test_an_invoice_is_known_with_and_without_its_vendor_and_kind(asked: str) -> None:
    found = match(asked, [Name("INVOICE", "V-1/4711")])
    assert found is not None
    assert found.fit is Fit.EXACT


def test_the_slash_in_an_end_to_end_id_is_part_of_it() -> None:
    assert match("RA12345", [Name("END_TO_END_ID", "MUELL/FINP/RA12345")]) is None


def test_a_uetr_may_be_written_in_capitals() -> None:
    uetr = "00000000-0000-4000-8b0b-4c70dde05e7b"
    found = match(uetr.upper(), [Name("UETR", uetr)])
    assert found is not None
    assert found.fit is Fit.EXACT


def test_a_payment_goes_by_its_id_references_invoices_run_file_and_batch() -> None:
    state = example("payments.state.v1", State, "rejected-for-a-closed-account")
    state = replace(
        state,
        file_id="F-1",
        batch_id="B-1",
        references=(Reference(ReferenceKind.UETR, "u-1"),),
        invoices=(InvoiceAllocation("V-9/INV-9", "INV-9", None),),
    )
    values = {name.value for name in names_of_state(state)}
    assert values == {state.correlation_id, "u-1", "V-9/INV-9", "INV-9", "PPR-4120", "F-1", "B-1"}


def test_an_acknowledgement_is_known_by_its_message_its_batch_and_its_bank_reference_too() -> None:
    ack = replace(
        example("payments.bank-acks.v1", BankAck, "accepted"),
        message_id="M-1",
        payment_info_id="P-1",
        bank_ref="R-1",
        source_message_id="S-1",
    )
    assert {"M-1", "P-1", "R-1", "S-1"} <= {name.value for name in names_of_fact(ack)}


def test_near_names_are_suggested_other_case_first() -> None:
    names = [E2E, Name("run", "pmt-778120"), Name("run", "PMT-778129"), Name("run", "XYZ")]
    assert suggestions("Pmt-778120", names)[:2] == ("PMT-778120", "pmt-778120")
    assert "PMT-778129" in suggestions("PMT-77812X", names)
    assert "XYZ" not in suggestions("PMT-77812X", names)
