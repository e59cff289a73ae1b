"""pain.002: levels, inheritance, reasons, duplicates."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.contract import BankProfile
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status
from tests.connectors.iso20022.given import batch, reason, report, transaction


def test_each_level_that_states_a_status_is_an_acknowledgement_of_that_level() -> None:
    said = report(batch(transaction("RJCT"), "PART"), group="<GrpSts>ACTC</GrpSts>").acknowledgements()
    assert [(ack.level, ack.bank_status, ack.lifecycle) for ack in said] == [
        (Level.GROUP, "ACTC", Status.BANK_RECEIVED),
        (Level.BATCH, "PART", None),
        (Level.TRANSACTION, "RJCT", Status.REJECTED),
    ]


def test_a_level_without_a_status_says_nothing() -> None:
    assert report(batch(transaction("ACCP"))).only().level is Level.TRANSACTION


def test_a_listed_transaction_without_a_status_inherits_status_and_reasons_of_a_uniform_batch() -> None:
    *_, ack = report(batch(reason("AC01", "no account") + transaction(), "RJCT")).acknowledgements()
    assert (ack.level, ack.bank_status, ack.lifecycle) == (Level.TRANSACTION, "RJCT", Status.REJECTED)
    assert (ack.reason_codes, ack.reason_text) == (("AC01",), "no account")


def test_a_listed_transaction_without_a_status_inherits_from_the_group_if_its_batch_has_none() -> None:
    *_, ack = report(batch(transaction()), group="<GrpSts>ACCP</GrpSts>").acknowledgements()
    assert (ack.level, ack.lifecycle) == (Level.TRANSACTION, Status.BANK_ACCEPTED)


@pytest.mark.parametrize(("group", "of_batch"), [("PART", ""), ("ACCP", "PART")])
def test_a_mixed_parent_says_nothing_of_a_child(group: str, of_batch: str) -> None:
    said = report(batch(transaction(), of_batch), group=f"<GrpSts>{group}</GrpSts>").acknowledgements()
    assert Level.TRANSACTION not in [ack.level for ack in said]


def test_its_own_reasons_outweigh_inherited_ones() -> None:
    *_, ack = report(batch(reason("AC01") + transaction(inside=reason("AM04")), "RJCT")).acknowledgements()
    assert ack.reason_codes == ("AM04",)


def test_references_come_from_the_lowest_level_that_has_them() -> None:
    names = "<OrgnlInstrId> INSTR-1 </OrgnlInstrId><OrgnlUETR>174c245f-2682-4291-ad67-2a41e530cd27</OrgnlUETR>"
    references = report(batch(transaction("ACCP", names + "<AcctSvcrRef>BANK-1</AcctSvcrRef>"))).only().references
    assert references.end_to_end_id == "E2E-1"
    assert references.instruction_id == "INSTR-1"
    assert references.uetr == "174c245f-2682-4291-ad67-2a41e530cd27"
    assert (references.payment_info_id, references.message_id) == ("BATCH-1", "ORIG")
    assert references.bank_ref == "BANK-1"


@pytest.mark.parametrize("name", ["NOTPROVIDED", "notprovided", "NONREF", "UNKNOWN", "CUT-OFF-ID+", "000", " - "])
def test_a_name_that_names_nothing_is_absent(name: str) -> None:
    assert report(batch(transaction("ACCP", name=name))).only().references.end_to_end_id is None


def test_reasons_keep_their_order_and_come_once() -> None:
    reasons = reason("AC01", "one") + reason("AM04", "two") + reason("AC01", "one")
    ack = report(batch(transaction("RJCT", reasons))).only()
    assert (ack.reason_codes, ack.reason_text) == (("AC01", "AM04"), "one two")


def test_a_proprietary_reason_is_kept_as_it_is() -> None:
    inside = "<StsRsnInf><Rsn><Prtry>4711 zu spät</Prtry></Rsn></StsRsnInf>"
    assert report(batch(transaction("RJCT", inside))).only().reason_codes == ("4711 zu spät",)


def test_a_text_cut_at_the_length_of_its_field_goes_on_mid_word() -> None:
    inside = f"<StsRsnInf><AddtlInf>{'x' * 105}</AddtlInf><AddtlInf>yz</AddtlInf><AddtlInf>end</AddtlInf></StsRsnInf>"
    assert report(batch(transaction("RJCT", inside))).only().reason_text == "x" * 105 + "yz end"


def test_cdata_is_text() -> None:
    inside = "<StsRsnInf><AddtlInf><![CDATA[a < b &amp; c]]></AddtlInf></StsRsnInf>"
    assert report(batch(transaction("RJCT", inside))).only().reason_text == "a < b &amp; c"


@pytest.mark.parametrize("code", ["DU01", "DUPL", "DT04", "AM05"])
def test_a_rejection_because_the_bank_has_it_already_rejects_no_payment(code: str) -> None:
    ack = report(batch(transaction("RJCT", reason(code)))).only()
    assert (ack.bank_status, ack.lifecycle, ack.flags) == ("RJCT", None, (Flag.DUPLICATE_REJECTION,))


@pytest.mark.parametrize(
    "text",
    ["Message id already exists", "DUPLICATE FILE", "Datei wurde bereits verarbeitet", "Doppeleinreichung", "Doublon"],
)
def test_banks_say_in_words_that_they_have_it_already(text: str) -> None:
    assert report(batch(transaction("RJCT", reason("NARR", text)))).only().lifecycle is None
    assert report("", group=f"<GrpSts>RJCT</GrpSts>{reason(text=text)}").only().flags == (Flag.DUPLICATE_REJECTION,)


@pytest.mark.parametrize("text", ["Creditor name duplicated in address line", "Bereits gesperrtes Konto", "closed"])
def test_other_words_are_a_rejection(text: str) -> None:
    assert report(batch(transaction("RJCT", reason("NARR", text)))).only().lifecycle is Status.REJECTED


def test_a_reason_code_outweighs_words_about_a_duplicate() -> None:
    ack = report(batch(transaction("RJCT", reason("AC04", "duplicate of a closed account")))).only()
    assert (ack.lifecycle, ack.flags) == (Status.REJECTED, ())


def test_an_acceptance_with_a_duplicate_code_is_an_acceptance() -> None:
    assert report(batch(transaction("ACCP", reason("AM05")))).only().lifecycle is Status.BANK_ACCEPTED


@pytest.mark.parametrize("original", ["pain.008.001.02", "pain.008.001.02.ch.03", "CHECK_DEPOSIT"])
def test_a_report_about_money_that_comes_in_is_no_evidence(original: str) -> None:
    ack = report(batch(transaction("ACCP")), original=original).only()
    assert (ack.lifecycle, ack.direction) == (None, Direction.CREDIT)


@pytest.mark.parametrize("original", ["pain.001", "NACHA", "pain.001.001.03.ch.02", "OrgnlMsgNmId"])
def test_banks_name_the_original_message_as_they_like(original: str) -> None:
    assert report(batch(transaction("ACCP")), original=original).only().lifecycle is Status.BANK_ACCEPTED


def test_the_amount_is_what_was_instructed() -> None:
    inside = (
        '<OrgnlTxRef><IntrBkSttlmAmt Ccy="EUR">9.10</IntrBkSttlmAmt><Amt><InstdAmt Ccy="USD">10.00</InstdAmt></Amt>'
        "<IntrBkSttlmDt>2026-11-25</IntrBkSttlmDt></OrgnlTxRef>"
    )
    ack = report(batch(transaction("ACSC", inside))).only()
    assert (ack.amount, ack.currency, ack.value_date) == (Decimal("10.00"), "USD", "2026-11-25")
    assert ack.lifecycle is Status.SETTLED
    assert not ack.booked


def test_a_bank_profile_overrides_a_status_by_code_and_by_level() -> None:
    profile = BankProfile("x", statuses={"ACTC": Status.BANK_ACCEPTED, "GROUP:ACTC": None})
    group, transaction_ = report(batch(transaction("ACTC")), profile, group="<GrpSts>ACTC</GrpSts>").acknowledgements()
    assert (group.lifecycle, transaction_.lifecycle) == (None, Status.BANK_ACCEPTED)


def test_an_unknown_status_is_kept_raw_and_means_nothing() -> None:
    ack = report(batch(transaction("XYZ9"))).only()
    assert (ack.bank_status, ack.lifecycle, ack.flags) == ("XYZ9", None, ())


def test_the_flags_of_a_status_come_with_it() -> None:
    assert report(batch(transaction("PDNG"))).only().flags == (Flag.BANK_PENDING,)
    assert report(batch(transaction("PATC"))).only().flags == (Flag.AWAITING_BANK_AUTHORISATION,)


def test_when_it_was_said_is_the_reports_own_time() -> None:
    ack = report(batch(transaction("ACCP"))).only()
    assert (ack.occurred_at, ack.source_message_id) == ("2026-11-24T10:00:00+01:00", "REPORT")
