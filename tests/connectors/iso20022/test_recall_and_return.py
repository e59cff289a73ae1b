"""camt.056, camt.029, pacs.004: asked back, answered, come back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status
from tests.connectors.files import Read, read
from tests.connectors.iso20022.given import message

NAMES = "<OrgnlEndToEndId>E2E-1</OrgnlEndToEndId><OrgnlTxId>TX-1</OrgnlTxId>"
ORIGINAL = "<OrgnlGrpInf><OrgnlMsgId>ORIG</OrgnlMsgId></OrgnlGrpInf>"
ASSIGNMENT = "<Assgnmt><Id>CASE-1</Id><CreDtTm>2026-11-24T10:00:00+01:00</CreDtTm></Assgnmt>"


def answer(details: str, status: str = "") -> Read:
    told = f"<Sts><Conf>{status}</Conf></Sts>" if status else ""
    inside = f"<CxlDtls>{details}</CxlDtls>" if details else ""
    return read(message("camt.029", "RsltnOfInvstgtn", f"{ASSIGNMENT}{told}{inside}"), "camt.029")


def listed(status: str = "", inside: str = "") -> str:
    told = f"<TxCxlSts>{status}</TxCxlSts>" if status else ""
    return f"<TxInfAndSts>{told}{inside}{ORIGINAL}{NAMES}</TxInfAndSts>"


def recall(details: str, data: str = "") -> Read:
    body = f"{ASSIGNMENT}{data}<Undrlyg>{details}</Undrlyg>"
    return read(message("camt.056", "FIToFIPmtCxlReq", body), "camt.056")


def payment_return(*transactions: str, header: str = "", group: str = "") -> Read:
    told = f"<GrpHdr><MsgId>RETURN</MsgId><CreDtTm>2026-11-24T10:00:00+01:00</CreDtTm>{header}</GrpHdr>"
    return read(message("pacs.004", "PmtRtr", f"{told}{group}{''.join(transactions)}"), "pacs.004")


def returned(amount: str = "10.00") -> str:
    reason = "<RtrRsnInf><Rsn><Cd>AC04</Cd></Rsn></RtrRsnInf>"
    return (
        f"<TxInf><RtrId>RTR-1</RtrId>{ORIGINAL}{NAMES}"
        f'<RtrdIntrBkSttlmAmt Ccy="EUR">{amount}</RtrdIntrBkSttlmAmt>{reason}</TxInf>'
    )


@pytest.mark.parametrize(
    ("status", "lifecycle", "flags"),
    [
        ("CNCL", Status.CANCELLED, ()),
        ("ACCR", Status.CANCELLED, ()),
        ("RJCR", None, ()),
        ("PDCR", None, (Flag.RECALL_REQUESTED,)),
    ],
)
def test_the_answer_for_a_transaction(status: str, lifecycle: Status | None, flags: tuple[Flag, ...]) -> None:
    ack = answer(listed(status)).only()
    assert (ack.bank_status, ack.lifecycle, ack.flags, ack.level) == (status, lifecycle, flags, Level.TRANSACTION)
    assert (ack.references.end_to_end_id, ack.references.instruction_id) == ("E2E-1", "TX-1")
    assert (ack.references.message_id, ack.source_message_id) == ("ORIG", "CASE-1")


def test_a_transaction_without_an_answer_of_its_own_has_the_cases() -> None:
    assert answer(listed(), "RJCR").only().bank_status == "RJCR"


def test_a_transactions_own_answer_outweighs_the_cases() -> None:
    assert answer(listed("RJCR"), "CNCL").only().lifecycle is None


def test_reasons_of_an_answer() -> None:
    reason = "<CxlStsRsnInf><Rsn><Cd>LEGL</Cd></Rsn><AddtlInf>no consent</AddtlInf></CxlStsRsnInf>"
    ack = answer(listed("RJCR", reason)).only()
    assert (ack.reason_codes, ack.reason_text) == (("LEGL",), "no consent")


def test_the_answer_for_a_batch() -> None:
    inside = "<OrgnlPmtInfId>BATCH-1</OrgnlPmtInfId><PmtInfCxlSts>ACCR</PmtInfCxlSts>"
    ack = answer(f"<OrgnlPmtInfAndSts>{inside}</OrgnlPmtInfAndSts>").only()
    assert (ack.level, ack.lifecycle, ack.references.payment_info_id) == (Level.BATCH, Status.CANCELLED, "BATCH-1")


def test_an_answer_for_the_case_alone_names_no_payment() -> None:
    ack = answer("", "RJCR").only()
    assert (ack.level, ack.bank_status, ack.position) == (Level.GROUP, "RJCR", "RsltnOfInvstgtn")
    assert set(vars_of(ack.references)) == {None}


def vars_of(names: object) -> list[object]:
    return [getattr(names, name) for name in type(names).__dataclass_fields__]  # type: ignore[attr-defined]  # a dataclass


def test_a_recall_raises_a_flag_and_moves_nothing() -> None:
    reason = "<CxlRsnInf><Rsn><Cd>DUPL</Cd></Rsn></CxlRsnInf>"
    amount = '<OrgnlIntrBkSttlmAmt Ccy="EUR">10.00</OrgnlIntrBkSttlmAmt>'
    ack = recall(f"<TxInf>{ORIGINAL}{NAMES}{amount}{reason}</TxInf>").only()
    assert (ack.lifecycle, ack.flags, ack.reason_codes) == (None, (Flag.RECALL_REQUESTED,), ("DUPL",))
    assert (ack.amount, ack.currency) == (Decimal("10.00"), "EUR")


@pytest.mark.parametrize(("told", "count"), [("<GrpCxl>true</GrpCxl>", 1), ("", 0)])
def test_a_whole_group_is_recalled_only_if_it_says_so(told: str, count: int) -> None:
    group = f"<OrgnlGrpInfAndCxl><OrgnlMsgId>ORIG</OrgnlMsgId>{told}</OrgnlGrpInfAndCxl>"
    assert [ack.level for ack in recall(group).acknowledgements()] == [Level.GROUP] * count


def test_declared_counts_of_a_recall_must_agree() -> None:
    data = "<CtrlData><NbOfTxs>2</NbOfTxs></CtrlData>"
    assert recall(f"<TxInf>{NAMES}</TxInf>", data).refusal.reason == "count_mismatch"


def test_a_return_returns_its_amount() -> None:
    ack = payment_return(returned()).only()
    assert (ack.lifecycle, ack.direction, ack.booked) == (Status.RETURNED, Direction.CREDIT, False)
    assert (ack.amount, ack.reason_codes, ack.references.bank_ref) == (Decimal("10.00"), ("AC04",), "RTR-1")


@pytest.mark.parametrize(("told", "count"), [("<GrpRtr>true</GrpRtr>", 1), ("<GrpRtr>false</GrpRtr>", 0), ("", 0)])
def test_a_whole_group_is_returned_only_if_it_says_so(told: str, count: int) -> None:
    group = "<OrgnlGrpInf><OrgnlMsgId>ORIG</OrgnlMsgId></OrgnlGrpInf>"
    said = payment_return(header=told, group=group).acknowledgements()
    assert [(ack.level, ack.references.message_id) for ack in said] == [(Level.GROUP, "ORIG")] * count


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("<NbOfTxs>2</NbOfTxs><CtrlSum>30</CtrlSum>", None),
        ('<TtlRtrdIntrBkSttlmAmt Ccy="EUR">30.00</TtlRtrdIntrBkSttlmAmt>', None),
        ("<NbOfTxs>1</NbOfTxs>", "count_mismatch"),
        ("<CtrlSum>30.01</CtrlSum>", "sum_mismatch"),
        ('<TtlRtrdIntrBkSttlmAmt Ccy="EUR">29.00</TtlRtrdIntrBkSttlmAmt>', "sum_mismatch"),
    ],
)
def test_declared_counts_and_sums_of_returns_must_agree(header: str, reason: str | None) -> None:
    done = payment_return(returned("10.00"), returned("20.00"), header=header)
    assert (None if done.accepted else done.refusal.reason) == reason


def test_of_several_groups_only_the_one_that_a_transaction_names_speaks_for_it() -> None:
    def group(name: str, status: str) -> str:
        return f"<OrgnlGrpInfAndSts><OrgnlMsgId>{name}</OrgnlMsgId><GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>"

    header = "<GrpHdr><MsgId>M</MsgId></GrpHdr>"
    named = f"<TxInfAndSts><OrgnlGrpInf><OrgnlMsgId>B</OrgnlMsgId></OrgnlGrpInf>{NAMES}</TxInfAndSts>"
    unnamed = f"<TxInfAndSts>{NAMES}</TxInfAndSts>"
    body = header + group("A", "RJCT") + group("B", "ACSC") + named + unnamed
    said = read(message("pacs.002", "FIToFIPmtStsRpt", body), "pacs.002").acknowledgements()
    assert [(ack.level, ack.bank_status, ack.references.message_id) for ack in said] == [
        (Level.GROUP, "RJCT", "A"),
        (Level.GROUP, "ACSC", "B"),
        (Level.TRANSACTION, "ACSC", "B"),
    ]
