"""pain.001: instructions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.contract import MappingError
from tests.connectors.iso20022.given import initiation, instruction


def test_an_instruction_says_who_pays_whom_what_and_how_it_is_named() -> None:
    names = "<InstrId>I-1</InstrId><EndToEndId>E-1</EndToEndId><UETR>174c245f-2682-4291-ad67-2a41e530cd27</UETR>"
    [said] = initiation(instruction(names=names), batch_header="<ReqdExctnDt>2026-11-25</ReqdExctnDt>").instructions()
    references = said.references
    assert (references.end_to_end_id, references.instruction_id) == ("E-1", "I-1")
    assert references.uetr == "174c245f-2682-4291-ad67-2a41e530cd27"
    assert (references.payment_info_id, references.message_id) == ("BATCH-1", "MSG-1")
    assert (said.amount, said.currency, said.equivalent_amount) == (Decimal("10.00"), "CHF", False)
    assert (said.debtor.name, said.debtor.number, said.debtor.agent) == ("We", "CH2909000000250094239", "POFICHBE")
    assert (said.creditor.name, said.creditor.number) == ("Vendor", "CH4112345003131313131")
    assert said.requested_execution_date == "2026-11-25"
    assert said.position == "PmtInf[1]/CdtTrfTxInf[1]"


@pytest.mark.parametrize("told", ["2026-11-25", "<Dt>2026-11-25</Dt>", "<DtTm>2026-11-25T09:00:00+01:00</DtTm>"])
def test_the_day_of_execution_is_written_in_three_ways(told: str) -> None:
    [said] = initiation(instruction(), batch_header=f"<ReqdExctnDt>{told}</ReqdExctnDt>").instructions()
    assert said.requested_execution_date == "2026-11-25"


def test_an_equivalent_amount_is_marked() -> None:
    amount = '<EqvtAmt><Amt Ccy="USD">7.50</Amt><CcyOfTrf>JPY</CcyOfTrf></EqvtAmt>'
    [said] = initiation(instruction(amount)).instructions()
    assert (said.amount, said.currency, said.equivalent_amount) == (Decimal("7.50"), "USD", True)


@pytest.mark.parametrize("amount", ["", '<InstdAmt Ccy="CHF">0.00</InstdAmt>', "<InstdAmt>1.00</InstdAmt>"])
def test_an_instruction_without_money_is_an_error_and_its_neighbours_live(amount: str) -> None:
    first, error, last = initiation(instruction(), instruction(amount), instruction()).mapped
    assert isinstance(error, MappingError)
    assert error.position == "PmtInf[1]/CdtTrfTxInf[2]"
    assert not isinstance(first, MappingError)
    assert not isinstance(last, MappingError)


@pytest.mark.parametrize(
    ("batch", "own", "rail"),
    [
        ("<PmtMtd>CHK</PmtMtd>", "", "CHEQUE"),
        ("<PmtMtd>TRF</PmtMtd><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>", "", "SEPA"),
        (
            "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>",
            "<PmtTpInf><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>",
            "INSTANT",
        ),
        ("<PmtTpInf><SvcLvl><Cd>URGP</Cd></SvcLvl></PmtTpInf>", "", "WIRE"),
        ("<PmtTpInf><SvcLvl><Prtry>HOUSE</Prtry></SvcLvl></PmtTpInf>", "", None),
    ],
)
def test_the_rail_is_told_by_method_instrument_and_service_level(batch: str, own: str, rail: str | None) -> None:
    [said] = initiation(instruction(inside=own), batch_header=batch).instructions()
    assert said.rail == rail


def test_invoices_are_the_referred_documents_that_are_paid() -> None:
    def document(kind: str, number: str) -> str:
        coded = f"<Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        return f"<Strd><RfrdDocInf>{coded}<Nb>{number}</Nb></RfrdDocInf></Strd>"

    documents = document("CINV", "2026-1") + document("CREN", "CN-7") + document("CINV", "2026-2")
    text = "<Ustrd>thank</Ustrd><Ustrd>you</Ustrd>"
    [said] = initiation(instruction(inside=f"<RmtInf>{text}{documents}</RmtInf>")).instructions()
    assert (said.invoices, said.remittance_text) == (("2026-1", "2026-2"), "thank you")
