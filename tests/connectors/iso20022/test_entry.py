"""camt entries: what they prove of a payment of ours, and what they do not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.contract import BankProfile, MappingError
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status
from tests.connectors.files import read
from tests.connectors.iso20022.given import ACCOUNT, details, entry, message, notification

RETURN = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed</AddtlInf></RtrInf>"


def test_a_booked_debit_settles() -> None:
    ack = notification(entry(details())).only()
    assert (ack.lifecycle, ack.booked, ack.direction) == (Status.SETTLED, True, Direction.DEBIT)
    assert (ack.amount, ack.currency, ack.account) == (Decimal("100.00"), "CHF", ACCOUNT)
    assert (ack.value_date, ack.booking_date, ack.occurred_at) == ("2026-11-24", "2026-11-23", None)
    assert ack.bank_transaction_code == "PMNT/ICDT/DMCT"


def test_a_pending_debit_is_under_way() -> None:
    ack = notification(entry(details(), status="PDNG")).only()
    assert (ack.lifecycle, ack.booked, ack.flags) == (Status.IN_PROCESS, False, (Flag.BANK_PENDING,))


def test_an_information_entry_proves_nothing() -> None:
    assert notification(entry(details(), status="INFO")).only().lifecycle is None


def test_a_status_is_text_or_a_code_or_the_banks_own() -> None:
    coded = entry(details()).replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>")
    own = entry(details()).replace("<Sts>BOOK</Sts>", "<Sts><Prtry>VORM</Prtry></Sts>")
    assert [ack.bank_status for ack in notification(coded, own).acknowledgements()] == ["BOOK", "VORM"]


def test_money_that_comes_in_proves_nothing_whatever_names_it_carries() -> None:
    assert notification(entry(details(), direction="CRDT", code="PMNT/RCDT/ESCT")).only().lifecycle is None


def test_a_credit_with_return_information_is_a_return() -> None:
    ack = notification(entry(details(RETURN), direction="CRDT")).only()
    assert (ack.lifecycle, ack.reason_codes, ack.reason_text) == (Status.RETURNED, ("AC04",), "closed")


def test_a_return_may_show_in_the_transaction_code_only() -> None:
    said = entry(details(), direction="CRDT", code="PMNT/RCDT/RRTN").replace(
        "</Ntry>", "<AddtlNtryInf>Retoure</AddtlNtryInf></Ntry>"
    )
    ack = notification(said).only()
    assert (ack.lifecycle, ack.reason_text) == (Status.RETURNED, "Retoure")


def test_a_return_may_have_a_reason_of_the_banks_own() -> None:
    ack = notification(entry(details("<RtrInf><Rsn><Prtry>R99</Prtry></Rsn></RtrInf>"), direction="CRDT")).only()
    assert (ack.lifecycle, ack.reason_codes) == (Status.RETURNED, ("R99",))


def test_words_without_return_information_are_no_return() -> None:
    said = entry(details("<AddtlTxInf>return of goods</AddtlTxInf>"), direction="CRDT", code="PMNT/RCDT/ESCT")
    ack = notification(said).only()
    assert (ack.lifecycle, ack.reason_text) == (None, None)


@pytest.mark.parametrize("status", ["INFO", "PDNG"])
def test_a_return_that_is_not_booked_is_none(status: str) -> None:
    assert notification(entry(details(RETURN), direction="CRDT", status=status)).only().lifecycle is None


def test_a_return_because_it_was_a_duplicate_is_a_return() -> None:
    ack = notification(entry(details(RETURN.replace("AC04", "AM05")), direction="CRDT")).only()
    assert (ack.lifecycle, ack.flags) == (Status.RETURNED, ())


def test_a_debit_with_return_information_takes_back_what_others_paid() -> None:
    assert notification(entry(details(RETURN), code="PMNT/RCDT/RRTN")).only().lifecycle is None


def test_a_reversed_debit_comes_back_in_the_direction_that_stands_there() -> None:
    credit = notification(entry(details(), direction="CRDT", extra="<RvslInd>true</RvslInd>")).only()
    debit = notification(entry(details(), extra="<RvslInd>true</RvslInd>")).only()
    assert (credit.direction, credit.lifecycle) == (Direction.CREDIT, Status.RETURNED)
    assert (debit.direction, debit.lifecycle) == (Direction.DEBIT, None)


@pytest.mark.parametrize(
    "code",
    [
        "PMNT/ICDT/CHRG",
        "PMNT/MDOP/FEES",
        "ACMT/MDOP/INTR",
        "CAMT/ACCB/SWEP",
        "CAMT/ACCB/ZABA",
        "PMNT/ICCN/ACON",
        "PMNT/RDDT/ESDD",
        "PMNT/IDDT/UPDD",
        "PMNT/CCRD/POSD",
        "PMNT/CNTR/CWDL",
        "FORX/SPOT/OTHR",
        "SECU/SETT/TRAD",
        "LDAS/FTLN/PPAY",
    ],
)
def test_fees_sweeps_direct_debits_cards_and_other_business_prove_nothing(code: str) -> None:
    assert notification(entry(details(), code=code)).only().lifecycle is None


@pytest.mark.parametrize(
    "code",
    ["PMNT/ICDT/ESCT", "PMNT/IRCT/DMCT", "PMNT/ICHQ/CCHQ", "PMNT/NTAV/NTAV", "PMNT/ICCN/COAT", "XTND/NTAV/NTAV", ""],
)
def test_transfers_cheques_and_debits_without_a_telling_code_may_be_payments(code: str) -> None:
    assert notification(entry(details(), code=code)).only().lifecycle is Status.SETTLED


def test_the_transactions_own_code_outweighs_the_entrys() -> None:
    fee = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>CHRG</SubFmlyCd></Fmly></Domn></BkTxCd>"
    assert notification(entry(details(fee))).only().lifecycle is None


@pytest.mark.parametrize(
    ("code", "lifecycle"),
    [
        ("NTRF", Status.SETTLED),
        ("NTRF+177+0", Status.SETTLED),
        ("NCHG", None),
        ("NDDT+105+9", None),
        ("4711", Status.SETTLED),
    ],
)
def test_a_swift_transaction_type_tells_where_there_is_no_iso_code(code: str, lifecycle: Status | None) -> None:
    own = entry(details(), code="", extra=f"<BkTxCd><Prtry><Cd>{code}</Cd></Prtry></BkTxCd>")
    assert notification(own).only().lifecycle is lifecycle


def test_a_profile_says_what_a_banks_own_code_is() -> None:
    own = entry(details(), code="", extra="<BkTxCd><Prtry><Cd>Z99</Cd></Prtry></BkTxCd>")
    profile = BankProfile("x", options={"movements": {"Z99": "fee"}})
    assert notification(own).only().lifecycle is Status.SETTLED
    assert notification(own, profile=profile).only().lifecycle is None


def test_an_account_that_is_none_of_ours_proves_nothing() -> None:
    ours = BankProfile("x", own_accounts=frozenset({ACCOUNT}))
    other = BankProfile("x", own_accounts=frozenset({"CH00"}))
    assert notification(entry(details()), profile=ours).only().lifecycle is Status.SETTLED
    assert notification(entry(details()), profile=other).only().lifecycle is None


def test_the_entrys_direction_is_trusted_over_the_transactions() -> None:
    assert notification(entry(details("<CdtDbtInd>CRDT</CdtDbtInd>"))).only().direction is Direction.DEBIT


def test_transactions_of_one_entry_are_as_many_bookings_even_if_equal() -> None:
    one = '<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><Amt Ccy="CHF">50.00</Amt></TxDtls>'
    said = notification(entry(f"<NtryDtls>{one}{one}</NtryDtls>")).acknowledgements()
    assert [(ack.position, ack.amount) for ack in said] == [
        ("Ntry[1]/TxDtls[1]", Decimal("50.00")),
        ("Ntry[1]/TxDtls[2]", Decimal("50.00")),
    ]


def test_the_entrys_amount_is_not_given_to_each_of_several_transactions() -> None:
    one = "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls>"
    said = notification(entry(f"<NtryDtls>{one}</NtryDtls><NtryDtls>{one}</NtryDtls>")).acknowledgements()
    assert [(ack.position, ack.amount) for ack in said] == [("Ntry[1]/TxDtls[1]", None), ("Ntry[1]/TxDtls[2]", None)]


def test_more_transactions_than_are_held_get_no_amount_of_the_entry_either() -> None:
    one = "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls>"
    said = notification(entry(f"<NtryDtls>{one * 257}</NtryDtls>")).acknowledgements()
    assert [ack.amount for ack in said] == [None] * 257


def test_an_amount_in_another_currency_than_instructed_is_compared_as_instructed() -> None:
    said = details('<Amt Ccy="CHF">95.20</Amt><AmtDtls><InstdAmt><Amt Ccy="EUR">100.00</Amt></InstdAmt></AmtDtls>')
    ack = notification(entry(said)).only()
    assert (ack.amount, ack.currency) == (Decimal("100.00"), "EUR")
    assert (ack.entry_amount, ack.entry_currency) == (Decimal("95.20"), "CHF")


def test_an_amount_in_the_instructed_currency_is_what_was_booked() -> None:
    said = details(
        '<Amt Ccy="CHF">95.00</Amt><AmtDtls><InstdAmt><Amt Ccy="CHF">100.00</Amt></InstdAmt></AmtDtls>'
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="CHF">5.00</TtlChrgsAndTaxAmt></Chrgs>'
    )
    ack = notification(entry(said)).only()
    assert (ack.amount, ack.charges, ack.charges_currency) == (Decimal("95.00"), Decimal("5.00"), "CHF")


def test_charges_are_told_as_records_or_in_the_old_way() -> None:
    new = '<Chrgs><Rcrd><Amt Ccy="CHF">1.50</Amt></Rcrd><Rcrd><Amt Ccy="CHF">2.50</Amt></Rcrd></Chrgs>'
    old = '<Chrgs><Amt Ccy="CHF">1.50</Amt></Chrgs><Chrgs><Amt Ccy="CHF">2.50</Amt></Chrgs>'
    for charges in (new, old):
        assert notification(entry(details(charges))).only().charges == Decimal("4.00")


def test_the_banks_reference_falls_back_to_the_entry_and_the_batch_id_to_the_batch() -> None:
    batch = "<Btch><MsgId>M-1</MsgId><PmtInfId>P-1</PmtInfId></Btch>"
    references = notification(entry(details(around=batch))).only().references
    assert (references.bank_ref, references.payment_info_id) == ("ENTRY-1", "P-1")
    assert references.message_id is None


def test_an_entry_of_a_batch_without_transactions_is_a_batch() -> None:
    batch = "<Btch><MsgId>M-1</MsgId><PmtInfId>P-1</PmtInfId><NbOfTxs>3</NbOfTxs></Btch>"
    ack = notification(entry(f"<NtryDtls>{batch}</NtryDtls>")).only()
    assert (ack.level, ack.batch_count, ack.batch_sum) == (Level.BATCH, 3, Decimal("100.00"))
    assert (ack.references.payment_info_id, ack.references.message_id) == ("P-1", "M-1")
    assert ack.position == "Ntry[1]/NtryDtls[1]"


def test_the_entrys_amount_is_not_given_to_each_of_several_batches() -> None:
    def part(inside: str) -> str:
        return f"<NtryDtls><Btch>{inside}</Btch></NtryDtls>"

    total = '<TtlAmt Ccy="CHF">40.00</TtlAmt>'
    said = notification(entry(part("<PmtInfId>P-1</PmtInfId>" + total) + part("<PmtInfId>P-2</PmtInfId>")))
    assert [(ack.references.payment_info_id, ack.amount) for ack in said.acknowledgements()] == [
        ("P-1", Decimal("40.00")),
        ("P-2", None),
    ]


@pytest.mark.parametrize(
    "inside",
    [
        "<TxDtls><Purp><Cd>SALA</Cd></Purp></TxDtls>",
        "<TxDtls><Refs><MsgId>M-1</MsgId></Refs></TxDtls>",
        "<TxDtls><Refs><PmtInfId>P-1</PmtInfId><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls>",
    ],
)
def test_details_that_name_only_a_batch_or_nothing_are_a_batch(inside: str) -> None:
    assert notification(entry(f"<NtryDtls>{inside}</NtryDtls>")).only().level is Level.BATCH


def test_an_entry_without_details_is_one_booking() -> None:
    ack = notification(entry()).only()
    assert (ack.level, ack.position, ack.references.bank_ref) == (Level.TRANSACTION, "Ntry[1]", "ENTRY-1")


def test_a_time_of_booking_is_kept_to_the_second() -> None:
    said = entry(details()).replace("<Dt>2026-11-23</Dt>", "<DtTm>2026-11-23T08:01:02+01:00</DtTm>")
    ack = notification(said).only()
    assert (ack.booking_date, ack.occurred_at) == ("2026-11-23", "2026-11-23T08:01:02+01:00")


@pytest.mark.parametrize(("told", "day"), [("2026-11-24Z", "2026-11-24"), ("2026-11-24+01:00", "2026-11-24")])
def test_a_day_may_have_a_time_zone(told: str, day: str) -> None:
    assert notification(entry(details()).replace("<Dt>2026-11-24</Dt>", f"<Dt>{told}</Dt>")).only().value_date == day


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        ("<Dt>2026-11-24</Dt>", "<Dt>2026-02-30</Dt>", "ValDt"),
        ("<Dt>2026-11-24</Dt>", "<Dt>24.11.2026</Dt>", "ValDt"),
        ("<CdtDbtInd>DBIT", "<CdtDbtInd>D", "Ntry/CdtDbtInd"),
        ("<Sts>BOOK</Sts>", "", "Ntry/Sts"),
        (' Ccy="CHF"', "", "Amt/@Ccy"),
        ("100.00", "1.000,00", "Amt"),
        ("100.00", "1e2", "Amt"),
        ("100.00", "-100.00", "Amt"),
        ("100.00", "١٠٠", "Amt"),
        ("100.00", "1_000", "Amt"),
        ("100.00", "", "Amt"),
        ("100.00", "1234567890123456", "Amt"),
        ("100.00", "10<b/>0.00", "Amt"),
    ],
)
def test_an_entry_that_cannot_be_understood_is_an_error_and_its_neighbours_live(
    right: str, wrong: str, field: str
) -> None:
    good, bad = entry(details()), entry(details()).replace(right, wrong)
    done = notification(good, bad, good)
    first, error, last = done.mapped
    assert isinstance(error, MappingError)
    assert (error.field, error.position) == (field, "Ntry[2]/TxDtls[1]")
    assert error.expected
    assert not isinstance(first, MappingError)
    assert not isinstance(last, MappingError)


def test_an_amount_split_by_a_comment_is_whole() -> None:
    assert notification(entry(details()).replace("100.00", "10<!-- x -->0.00")).only().amount == Decimal("100.00")


def test_amounts_keep_the_digits_that_the_file_has() -> None:
    for told in ("100", "100.0", "0.12345", "100.000"):
        ack = notification(entry(details()).replace("100.00", told)).only()
        assert str(ack.amount) == told


def test_a_zero_amount_is_no_payment() -> None:
    assert notification(entry(details()).replace("100.00", "0.00")).only().lifecycle is None


@pytest.mark.parametrize(
    ("format_", "element", "container"),
    [("camt.052", "BkToCstmrAcctRpt", "Rpt"), ("camt.053", "BkToCstmrStmt", "Stmt")],
)
def test_reports_and_statements_say_the_same_as_notifications(format_: str, element: str, container: str) -> None:
    account = f"<Acct><Id><IBAN>{ACCOUNT}</IBAN></Id></Acct>"
    body = f"<GrpHdr><MsgId>NOTE</MsgId></GrpHdr><{container}>{account}{entry(details())}</{container}>"
    said = read(message(format_, element, body), format_).only()
    assert said == notification(entry(details())).only()
