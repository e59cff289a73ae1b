"""Small ISO 20022 messages, written by hand, one thing different in each test."""

from __future__ import annotations

from connectors.contract import DEFAULT_PROFILE, BankProfile
from tests.connectors.files import Read, read

ACCOUNT = "CH2909000000250094239"


def message(format_: str, element: str, body: str) -> bytes:
    """A whole document of a message whose element and content are given."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{format_}.001.03"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{namespace}"><{element}>{body}</{element}></Document>'
    ).encode()


def report_xml(body: str, original: str = "pain.001.001.03", group: str = "") -> bytes:
    """A pain.002 about the message ORIG; ``body`` is what follows the group."""
    header = "<GrpHdr><MsgId>REPORT</MsgId><CreDtTm>2026-11-24T10:00:00+01:00</CreDtTm></GrpHdr>"
    about = f"<OrgnlMsgId>ORIG</OrgnlMsgId><OrgnlMsgNmId>{original}</OrgnlMsgNmId>{group}"
    return message("pain.002", "CstmrPmtStsRpt", f"{header}<OrgnlGrpInfAndSts>{about}</OrgnlGrpInfAndSts>{body}")


def transaction(status: str = "", inside: str = "", name: str = "E2E-1") -> str:
    """A TxInfAndSts."""
    told = f"<TxSts>{status}</TxSts>" if status else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId>{told}{inside}</TxInfAndSts>"


def batch(inside: str, status: str = "", name: str = "BATCH-1") -> str:
    """An OrgnlPmtInfAndSts."""
    told = f"<PmtInfSts>{status}</PmtInfSts>" if status else ""
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{told}{inside}</OrgnlPmtInfAndSts>"


def reason(code: str = "", text: str = "") -> str:
    """A StsRsnInf."""
    coded = f"<Rsn><Cd>{code}</Cd></Rsn>" if code else ""
    told = f"<AddtlInf>{text}</AddtlInf>" if text else ""
    return f"<StsRsnInf>{coded}{told}</StsRsnInf>"


def report(
    body: str, profile: BankProfile = DEFAULT_PROFILE, original: str = "pain.001.001.03", group: str = ""
) -> Read:
    """A pain.002, read."""
    return read(report_xml(body, original, group), "pain.002", profile)


def notification_xml(*entries: str, summary: str = "", account: str = ACCOUNT) -> bytes:
    """A camt.054 of one account."""
    header = "<GrpHdr><MsgId>NOTE</MsgId><CreDtTm>2026-11-24T10:00:00+01:00</CreDtTm></GrpHdr>"
    told = f"<Id>N1</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{summary}{''.join(entries)}"
    return message("camt.054", "BkToCstmrDbtCdtNtfctn", f"{header}<Ntfctn>{told}</Ntfctn>")


def entry(
    inside: str = "",
    amount: str = '<Amt Ccy="CHF">100.00</Amt>',
    direction: str = "DBIT",
    status: str = "BOOK",
    code: str = "PMNT/ICDT/DMCT",
    extra: str = "",
) -> str:
    """A Ntry with details ``inside``; ``extra`` stands before them."""
    domain, family, sub_family = code.split("/") if code else ("", "", "")
    coded = (
        f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        if code
        else ""
    )
    dates = "<BookgDt><Dt>2026-11-23</Dt></BookgDt><ValDt><Dt>2026-11-24</Dt></ValDt>"
    return (
        f"<Ntry>{amount}<CdtDbtInd>{direction}</CdtDbtInd><Sts>{status}</Sts>{dates}"
        f"<AcctSvcrRef>ENTRY-1</AcctSvcrRef>{coded}{extra}{inside}</Ntry>"
    )


def details(inside: str = "", references: str = "<EndToEndId>E2E-1</EndToEndId>", around: str = "") -> str:
    """A NtryDtls of one TxDtls."""
    told = f"<Refs>{references}</Refs>" if references else ""
    return f"<NtryDtls>{around}<TxDtls>{told}{inside}</TxDtls></NtryDtls>"


def notification(*entries: str, profile: BankProfile = DEFAULT_PROFILE) -> Read:
    """A camt.054, read."""
    return read(notification_xml(*entries), "camt.054", profile)


def initiation_xml(*instructions: str, header: str = "", batch_header: str = "") -> bytes:
    """A pain.001 of one batch."""
    told = f"<GrpHdr><MsgId>MSG-1</MsgId><CreDtTm>2026-11-24T10:00:00</CreDtTm>{header}</GrpHdr>"
    debtor = (
        f"<Dbtr><Nm>We</Nm></Dbtr><DbtrAcct><Id><IBAN>{ACCOUNT}</IBAN></Id></DbtrAcct>"
        "<DbtrAgt><FinInstnId><BICFI>POFICHBE</BICFI></FinInstnId></DbtrAgt>"
    )
    inside = f"<PmtInfId>BATCH-1</PmtInfId>{batch_header}{debtor}{''.join(instructions)}"
    return message("pain.001", "CstmrCdtTrfInitn", f"{told}<PmtInf>{inside}</PmtInf>")


def instruction(
    amount: str = '<InstdAmt Ccy="CHF">10.00</InstdAmt>',
    inside: str = "",
    names: str = "<EndToEndId>E2E-1</EndToEndId>",
) -> str:
    """A CdtTrfTxInf."""
    return (
        f"<CdtTrfTxInf><PmtId>{names}</PmtId><Amt>{amount}</Amt><Cdtr><Nm>Vendor</Nm></Cdtr>"
        f"<CdtrAcct><Id><IBAN>CH4112345003131313131</IBAN></Id></CdtrAcct>{inside}</CdtTrfTxInf>"
    )


def initiation(*instructions: str, header: str = "", batch_header: str = "") -> Read:
    """A pain.001, read."""
    return read(initiation_xml(*instructions, header=header, batch_header=batch_header), "pain.001")
