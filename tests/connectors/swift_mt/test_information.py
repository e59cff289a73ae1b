"""Field 86 in the dialects of banks: the names that it gives, wherever its lines end."""

from __future__ import annotations

import pytest

from connectors.swift_mt.information import information

ID = "2026-PAYMENT-000000001"
EREF = [
    f"166?00GUTSCHRIFT?109310?20EREF+{ID}?21SVWZ+INVOICE 1?30DEUTDEFF?31DE12?32NAME",
    "166?00GUTSCHRIFT?20EREF+2026-PAYMENT-000?21000001?22SVWZ+INVOICE 1",
    "166?00GUTSCHRIFT?20SVWZ+INVOICE 1?21EREF+2026-PAYM\nENT-000000001",
    f"020~00PRZELEW~20EREF+{ID}~21SVWZ+FAKTURA~32NAME",
    f"020<00PRZELEW<20/EREF/{ID}<21/REMI/FAKTURA",
    f"020^00PRZELEW^20EREF: {ID}^21SVWZ: FAKTURA",
    f"/EREF/{ID}//CNTP/NL08ABNA0/ABNANL2A/Name///REMI/USTD//text/",
    f"/TRTP/SEPA OVERBOEKING/IBAN/NL08/BIC/ABNANL2A/NAME/X/REMI/INV 1/EREF/{ID}",
    "/TRTP/SEPA OVERBOEKING/IBAN/NL08/NAME/X/EREF/2026-PAY\nMENT-000000001",
    f"/TRTP/SEPA OVERBOEKING/ER\nEF/{ID}/REMI/X",
    f"EREF/{ID}/PREF/RP/GS/CTFILERP0002/CTBA0003",
    f"?20EREF+{ID}?21SVWZ+RENT ?30BANK ?31ACC123",
    f"159?00RETOURE?100399?20EREF+{ID}?21MTLG:Grund nicht s\npezifizie?22rt",
    "166?00X?20EREF+2026-PAYMENT-000?21000001?22MTL\nG:Grund",
    f"/RTRN/MS03//CREF/X//EREF/{ID}/",
    f"EREF+{ID} MREF+M1 SVWZ+INVOICE 1",
    f"EREF: {ID} MTLG: INVOICE 1",
    f"EREF:{ID}MTLG:INVOICE 1",
    "KREF: BATCH EREF: 2026-PAYMENT-000\n000001 MTLG: X",
    f"SEPA OVERBOEKING                 IBAN: NL08ABNA0\nBIC: ABNANL2A  NAAM: X\nKENMERK: {ID}",
    f"SEPA OVERBOEKING   KENMERK: {ID}   \nOMSCHRIJVING: X",
]


@pytest.mark.parametrize("text", EREF)
def test_the_end_to_end_id_is_whole_in_every_dialect(text: str) -> None:
    assert information(text).end_to_end_id == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "EREF+NOTPROVIDED SVWZ+X",
        "/EREF/NOTPROVIDED/REMI/X",
        "/EREF//REMI/X",
        "166?20EREF+?21SVWZ+X",
        f"EREF+{'9' * 36} SVWZ+X",
        "EREF+CUT-OFF-BY-THE-BANK+",
        "166?20SVWZ+X",
        "REMIT:Costs to MT940 Parsing.",
        "?REJECT?0",
        "THE EREF IS UNKNOWN",
    ],
)
def test_no_name_is_made_up(text: str) -> None:
    assert information(text).end_to_end_id is None


def test_a_line_that_ends_in_the_middle_is_never_half_an_id() -> None:
    """A bank that ends lines early and goes on with words costs a match; it never gives another payment's id."""
    for cut in range(1, len(ID)):
        found = information(f"EREF: {ID[:cut]}\n{ID[cut:]} MTLG: X").end_to_end_id
        assert found == ID
    assert information("EREF: PAY-1\n0").end_to_end_id == "PAY-10"


def test_the_structure_of_a_wrapped_field_is_found_across_its_lines() -> None:
    text = (
        "109?00SEPA-LASTSCHR. RETOURE CORE?109075/629?20EREF+A1.200080779.\n400143254?21.4961336 KREF+SEPA-DA202006"
        "?2201221740-34972000-P1 MR\nEF+2?230852HW2723821 CRED+DE41EON0?240000129793 OAMT+11,85 SVWZ+?\n"
        "25SONSTIGE GRUENDE ENDABRECHN?26UNG NR. 500106875"
    )
    said = information(text)
    assert said.code == "109"
    assert said.end_to_end_id == "A1.200080779.400143254.4961336"
    assert said.batch_id == "SEPA-DA20200601221740-34972000-P1"
    assert said.values["MREF"] == "20852HW2723821"
    assert said.text == "SONSTIGE GRUENDE ENDABRECHNUNG NR. 500106875"


def test_a_question_mark_in_a_text_hides_nothing_after_it() -> None:
    said = information("166?20SVWZ+WHY? BECAUSE?21EREF+PAY-1?22MREF+M")
    assert said.end_to_end_id == "PAY-1"


def test_only_a_code_tells_of_a_return() -> None:
    assert information("/RTRN/AC04//EREF/X/REMI/closed/").tells_of_return
    assert information("EREF+X RTRN+AC04 SVWZ+closed").tells_of_return
    assert not information("RETURN OF GOODS AC04").tells_of_return
    assert not information("166?20SVWZ+RETOURE").tells_of_return


def test_reasons_of_a_return_stand_in_its_code_or_its_text() -> None:
    assert information("/RTRN/AC04//EREF/X").return_reasons() == ("AC04",)
    assert information("159?20EREF+X?21SVWZ+RETURN AC01 UNKNOWN ACCOUNT").return_reasons() == ("AC01",)
    assert information("159?20EREF+AC04AC04?21SVWZ+RETURN").return_reasons() == ()


def test_a_batch_is_named_with_its_slashes() -> None:
    assert information("PREF/RP/GS/CTFILERP0002/CTBA0003").batch_id == "RP/GS/CTFILERP0002/CTBA0003"
    assert information("/PREF/M1//REMI/USTD//TOTAL 3/").batch_id == "M1"
    assert (
        information("191?20KREF+TFNr 01005 PayId CTSc-?2101 EBB?2\n2MTLG:SEPA").batch_id
        == "TFNr 01005 PayId CTSc-01 EBB"
    )


def test_structure_without_names_is_words() -> None:
    said = information("000>100987654321\n>20ALGEMENE TUSSENREKENING KOS>21TEN VAN 2010>310390123456")
    assert (said.code, said.text) == ("000", "ALGEMENE TUSSENREKENING KOSTEN VAN 2010")


def test_a_uetr_is_one_or_none() -> None:
    uetr = "5F0C2A1E-7D44-4b0e-9c55-1a2b3c4d5e6f"
    assert information(f"/EREF/X/UETR/{uetr}/").uetr == uetr.lower()
    assert information("/EREF/X/UETR/5F0C2A1E/").uetr is None
