"""The streaming reader: how a message is found, what is refused, where things stand."""

from __future__ import annotations

import pytest

from connectors.contract import BankProfile, FileEnd
from connectors.iso20022.messages import MESSAGES
from connectors.iso20022.reader import CHUNK_BYTES, MOST_BYTES_HELD
from connectors.iso20022.shapes import Part, all_parts
from streams.domain.facts import Level
from tests.connectors.files import Read, format_of, read
from tests.connectors.iso20022.given import (
    batch,
    details,
    entry,
    initiation_xml,
    instruction,
    message,
    notification,
    notification_xml,
    report_xml,
    transaction,
)

GOOD = report_xml(batch(transaction("ACCP")))
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


def of(data: bytes, profile: BankProfile | None = None) -> Read:
    return read(data, "pain.002", profile or BankProfile("default"))


def _enveloped(data: bytes, header: str) -> bytes:
    opened = _renamed(data, "<Document", f"<Envelope><AppHdr>{header}</AppHdr><Document")
    return opened + b"</Envelope>"


def _renamed(data: bytes, old: str, new: str) -> bytes:
    return data.replace(old.encode(), new.encode())


NAMESPACE = 'xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"'


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        _renamed(GOOD, NAMESPACE, ""),
        _renamed(GOOD, "pain.002.001.03", "pain.002.001.14"),
        _renamed(GOOD, NAMESPACE, 'xmlns="http://www.six-interbank-clearing.com/de/pain.002.001.03.ch.02.xsd"'),
        _enveloped(GOOD, "<Fr/>"),
        _renamed(_renamed(GOOD, "Document", "Wrapper"), NAMESPACE, ""),
        _renamed(GOOD, '<?xml version="1.0" encoding="UTF-8"?>', ""),
        b"\xef\xbb\xbf" + GOOD,
        b"\n  \n" + GOOD,
        b"\xef\xbb\xbf\r\n" + GOOD,
        GOOD + b"\r\n\r\n",
        GOOD.replace(b"?>", b"?><!-- a comment --><?a process?>", 1),
        GOOD.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    ],
    ids=[
        "plain",
        "no namespace",
        "version 14",
        "of SIX",
        "in an envelope",
        "no Document",
        "no declaration",
        "byte order mark",
        "blank lines before",
        "mark and blank line",
        "blank lines after",
        "comments",
        "UTF-16",
    ],
)
def test_a_message_is_told_by_its_element(data: bytes) -> None:
    assert format_of(data) == "pain.002"
    assert of(data).only().references.end_to_end_id == "E2E-1"


def test_prefixes_are_left_out() -> None:
    plain = _renamed(GOOD.removeprefix(DECLARATION), NAMESPACE, 'xmlns:p="urn:x"')
    prefixed = plain.replace(b"<", b"<p:").replace(b"<p:/", b"</p:")
    assert of(prefixed).only().references.end_to_end_id == "E2E-1"


def test_the_message_element_of_version_02_is_known() -> None:
    group = "<OrgnlGrpInfAndSts><OrgnlMsgId>ORIG</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
    body = f"<GrpHdr><MsgId>REPORT</MsgId></GrpHdr>{group}{transaction('RJCT')}"
    data = message("pain.002", "pain.002.001.02", body)
    assert format_of(data) == "pain.002"
    of_group, of_transaction = of(data).acknowledgements()
    assert (of_group.bank_status, of_transaction.bank_status) == ("PART", "RJCT")
    assert (of_transaction.position, of_transaction.references.message_id) == ("TxInfAndSts[1]", "ORIG")


def test_the_business_header_names_the_sender() -> None:
    header = "<Fr><FIId><FinInstnId><BICFI>BANKCHZZ</BICFI></FinInstnId></FIId></Fr>"
    last = of(_enveloped(GOOD, header)).last
    assert isinstance(last, FileEnd)
    assert (last.sender, last.message_id) == ("BANKCHZZ", "REPORT")


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document SYSTEM "http://localhost/evil.dtd">',
        '<!DOCTYPE Document [<!ENTITY a "b">]>',
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_a_doctype_is_forbidden_even_where_entities_are_never_used(doctype: str) -> None:
    data = GOOD.replace(DECLARATION, DECLARATION + doctype.encode())
    assert format_of(data) == "pain.002"
    assert of(data).refusal.reason == "doctype_forbidden"


@pytest.mark.parametrize("used", ["&a;", "&undefined;", "&#0;"])
def test_an_entity_that_is_not_of_xml_is_refused(used: str) -> None:
    assert of(GOOD.replace(b"E2E-1", used.encode())).refusal.reason == "malformed_xml"


def test_three_hundred_levels_are_too_deep() -> None:
    deep = b"<a>" * 300 + b"</a>" * 300
    assert of(GOOD.replace(b"<TxSts>", deep + b"<TxSts>")).refusal.reason == "nesting_too_deep"
    assert of(b"<a>" * 300).refusal.reason == "nesting_too_deep"


@pytest.mark.parametrize("length", [40_000, 11_000_000])
def test_an_over_long_field_is_refused(length: int) -> None:
    refusal = of(GOOD.replace(b"E2E-1", b"x" * length)).refusal
    assert refusal.reason in {"field_too_long", "record_too_large"}
    assert refusal.where


def test_a_nul_byte_is_refused_with_its_place() -> None:
    at = GOOD.index(b"E2E-1")
    refusal = of(GOOD.replace(b"E2E-1", b"\0\0E2E")).refusal
    assert (refusal.reason, refusal.where) == ("nul_byte", f"byte {at}")


def test_a_control_byte_is_refused() -> None:
    assert of(GOOD.replace(b"E2E-1", b"\x01")).refusal.reason == "malformed_xml"


LATIN = report_xml(batch(transaction("RJCT", "<StsRsnInf><AddtlInf>Konto ungültig</AddtlInf></StsRsnInf>")))
AS_LATIN = LATIN.decode().encode("iso-8859-1")


def test_bytes_of_another_encoding_than_declared_are_refused() -> None:
    assert of(AS_LATIN).refusal.reason == "wrong_encoding"
    assert of(GOOD.replace(b"UTF-8", b"EBCDIC-99")).refusal.reason == "wrong_encoding"


def test_a_declared_encoding_is_read() -> None:
    assert of(AS_LATIN.replace(b"UTF-8", b"ISO-8859-1")).only().reason_text == "Konto ungültig"


def test_a_profile_says_what_encoding_a_bank_really_uses() -> None:
    assert of(AS_LATIN, BankProfile("x", encoding="iso8859-1")).only().reason_text == "Konto ungültig"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"not XML at all", "malformed_xml"),
        (b"<Document/>", "unknown_format"),
        (b"<Document><CstmrDrctDbtInitn/></Document>", "unknown_format"),
        (notification_xml(entry(details())), "wrong_format"),
        (GOOD[:-1], "truncated"),
        (GOOD[: len(GOOD) // 2], "truncated"),
        (GOOD[:30], "truncated"),
        (GOOD + b"<more/>", "malformed_xml"),
        (GOOD.replace(b"</TxSts>", b"</TxStS>"), "malformed_xml"),
        (GOOD + GOOD, "malformed_xml"),
    ],
)
def test_what_is_no_whole_message_is_refused(data: bytes, reason: str) -> None:
    assert of(data).refusal.reason == reason


def test_two_messages_in_one_file_are_refused_not_halved() -> None:
    body = GOOD.removeprefix(DECLARATION)
    assert of(b"<Batch>" + body + body + b"</Batch>").refusal.reason == "several_messages"


def test_an_envelope_that_is_cut_after_the_message_is_truncated() -> None:
    assert of(b"<Envelope>" + GOOD.removeprefix(DECLARATION)).refusal.reason == "truncated"


def test_a_refusal_names_the_message_as_soon_as_it_is_known() -> None:
    assert of(GOOD[:-1]).refusal.message_id == "REPORT"


def test_elements_of_the_same_name_elsewhere_are_no_records() -> None:
    extension = "<SplmtryData><Envlp><TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts></Envlp></SplmtryData>"
    [ack] = of(report_xml(batch(transaction("ACCP", extension)))).acknowledgements()
    assert ack.bank_status == "ACCP"
    inside = details(f"<SplmtryData><Envlp>{entry(details())}</Envlp></SplmtryData>")
    assert len(notification(entry(inside)).records) == 1


def test_positions_count_in_the_file() -> None:
    other = notification_xml(entry(details()), entry())
    container = b"<Ntfctn>" + other.split(b"<Ntfctn>")[1].split(b"</Ntfctn>")[0] + b"</Ntfctn>"
    done = read(other.replace(b"</Ntfctn>", b"</Ntfctn>" + container), "camt.054")
    assert [record.position for record in done.records] == [
        "Ntry[1]/TxDtls[1]", "Ntry[2]", "Ntry[3]/TxDtls[1]", "Ntry[4]",
    ]  # fmt: skip


def test_what_is_said_around_a_record_comes_with_it() -> None:
    [record] = notification(entry(details()).replace("</Ntry>", "<AddtlNtryInf>later</AddtlNtryInf></Ntry>")).records
    assert set(record.fields) == {"GrpHdr", "Ntfctn", "Ntry", "NtryDtls", "TxDtls", "count"}
    said = record.fields["Ntry"]
    assert isinstance(said, dict)
    assert said["AddtlNtryInf"] == "later"
    assert "NtryDtls" not in said


MANY = 2 * (MOST_BYTES_HELD + 2 * CHUNK_BYTES) // len(transaction("ACCP"))
"""Transactions of a batch that is too large to be held until its end."""


def test_a_large_batch_is_given_out_in_pieces_and_in_order() -> None:
    many = "".join(transaction("ACCP", name=f"E-{number}") for number in range(MANY))
    done = of(report_xml(batch(many, "ACCP")))
    acks = done.acknowledgements()
    assert acks[0].level is Level.BATCH
    assert [ack.references.end_to_end_id for ack in acks[1:]] == [f"E-{n}" for n in range(MANY)]


def test_a_status_that_follows_a_large_batchs_records_is_refused_not_missed() -> None:
    many = transaction("ACCP") * MANY
    refusal = of(report_xml(f"<OrgnlPmtInfAndSts>{many}<PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>")).refusal
    assert (refusal.reason, refusal.found) == ("misplaced_element", "PmtInfSts")


def test_a_status_that_follows_a_small_batchs_records_is_read() -> None:
    said = of(report_xml(f"<OrgnlPmtInfAndSts>{transaction('ACCP')}<PmtInfSts>PART</PmtInfSts></OrgnlPmtInfAndSts>"))
    assert [ack.bank_status for ack in said.acknowledgements()] == ["PART", "ACCP"]


def test_a_message_with_nothing_in_it_is_accepted_and_says_nothing() -> None:
    assert of(message("pain.002", "CstmrPmtStsRpt", "<GrpHdr><MsgId>M</MsgId></GrpHdr>")).mapped == []
    assert notification().mapped == []


def test_more_around_a_record_than_any_message_says_is_refused() -> None:
    many = "".join(f"<Extra{number}>{'x' * 30_000}</Extra{number}>" for number in range(10))
    refusal = of(report_xml(batch(many + transaction("ACCP") * 2))).refusal
    assert refusal.reason == "record_too_large"


def test_megabytes_without_a_record_are_refused() -> None:
    refusal = of(report_xml(batch("<Extra>x</Extra>" * 700_000 + transaction("ACCP")))).refusal
    assert refusal.reason == "record_too_large"


@pytest.mark.parametrize(
    ("header", "batch_header", "reason", "where"),
    [
        ("<NbOfTxs>2</NbOfTxs><CtrlSum>20.00</CtrlSum>", "<NbOfTxs>2</NbOfTxs><CtrlSum>20</CtrlSum>", None, ""),
        ("<NbOfTxs>0002</NbOfTxs>", "", None, ""),
        ("<NbOfTxs>3</NbOfTxs>", "", "count_mismatch", "GrpHdr/NbOfTxs"),
        ("<NbOfTxs>two</NbOfTxs>", "", "count_mismatch", "GrpHdr/NbOfTxs"),
        ("<CtrlSum>20.01</CtrlSum>", "", "sum_mismatch", "GrpHdr/CtrlSum"),
        ("<CtrlSum>20,00</CtrlSum>", "", "sum_mismatch", "GrpHdr/CtrlSum"),
        ("", "<NbOfTxs>1</NbOfTxs>", "count_mismatch", "PmtInf[1]/NbOfTxs"),
        ("", "<CtrlSum>2e1</CtrlSum>", "sum_mismatch", "PmtInf[1]/CtrlSum"),
    ],
)
def test_declared_counts_and_sums_of_an_initiation_must_agree(
    header: str, batch_header: str, reason: str | None, where: str
) -> None:
    data = initiation_xml(instruction(), instruction(), header=header, batch_header=batch_header)
    done = read(data, "pain.001")
    if reason is None:
        assert len(done.instructions()) == 2
    else:
        assert (done.refusal.reason, done.refusal.where) == (reason, where)
    assert read(data, "pain.001", BankProfile("x", controls="ignore")).accepted


def test_a_sum_cannot_agree_with_an_amount_that_is_no_number() -> None:
    bad = instruction('<InstdAmt Ccy="CHF">ten</InstdAmt>')
    done = read(initiation_xml(instruction(), bad, header="<CtrlSum>10.00</CtrlSum>"), "pain.001")
    assert done.refusal.reason == "sum_mismatch"
    assert "PmtInf[1]/CdtTrfTxInf[2]" in done.refusal.found


def test_sums_are_exact_where_floats_are_not() -> None:
    tenths = [instruction('<InstdAmt Ccy="KWD">0.1</InstdAmt>') for _ in range(3)]
    assert read(initiation_xml(*tenths, header="<CtrlSum>0.3</CtrlSum>"), "pain.001").accepted


@pytest.mark.parametrize(
    ("summary", "reason"),
    [
        ("<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>200.00</Sum></TtlNtries>", None),
        ("<TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>100</Sum></TtlDbtNtries>", None),
        ("<TtlCdtNtries><NbOfNtries>1</NbOfNtries></TtlCdtNtries>", None),
        ("<TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries>", "count_mismatch"),
        ("<TtlNtries><Sum>200.01</Sum></TtlNtries>", "sum_mismatch"),
        ("<TtlDbtNtries><Sum>200.00</Sum></TtlDbtNtries>", "sum_mismatch"),
    ],
)
def test_declared_counts_and_sums_of_entries_must_agree(summary: str, reason: str | None) -> None:
    entries = (entry(details()), entry(details(), direction="CRDT"))
    data = notification_xml(*entries, summary=f"<TxsSummry>{summary}</TxsSummry>")
    done = read(data, "camt.054")
    assert (None if done.accepted else done.refusal.reason) == reason


def test_what_a_report_says_of_the_originals_counts_is_no_control_of_itself() -> None:
    data = report_xml(batch("<OrgnlNbOfTxs>3</OrgnlNbOfTxs>" + transaction("ACCP")))
    assert of(data).accepted


@pytest.mark.parametrize("shape", [told.shape for told, _ in MESSAGES], ids=lambda shape: shape.name)
def test_what_is_held_has_parts_of_one_kind_so_that_their_order_is_the_files(shape: Part) -> None:
    for part in (part for part in all_parts(shape) if part.holds):
        assert all(len(inner.parts) <= 1 for inner in all_parts(part))


def test_records_that_repeat_far_more_than_the_file_holds_are_refused() -> None:
    around = "".join(f"<Extra{number}>{'x' * 30_000}</Extra{number}>" for number in range(8))
    refusal = of(report_xml(batch(around + "<TxInfAndSts/>" * 600))).refusal
    assert refusal.reason == "record_too_large"
    assert "repeated" in refusal.expected
