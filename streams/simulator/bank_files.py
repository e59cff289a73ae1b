"""The files that the simulated banks send: pain.002.001.10 status reports and camt.054.001.08 notifications.

Written with lxml, by the published message definitions; nothing here is shared with the readers that will read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

PAIN_002_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
CAMT_054_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One TxInfAndSts: the names of the payment and what the bank says of it."""

    end_to_end_id: str | None
    instruction_id: str | None
    uetr: str | None
    status: str
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class BookingLine:
    """One Ntry with one TxDtls. ``amount`` is a decimal text in major units; ``returned`` marks a returned payment."""

    end_to_end_id: str | None
    instruction_id: str | None
    uetr: str | None
    bank_ref: str
    amount: str
    currency: str
    booked_on: str
    returned: bool


class _Writer:
    """Builds elements of one namespace: ``writer("Tag", child, "text", Ccy="EUR")``."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def __call__(self, name: str, *content: etree._Element | str | None, **attributes: str) -> etree._Element:
        element = etree.Element(f"{{{self.namespace}}}{name}", attributes, nsmap={None: self.namespace})  # type: ignore[dict-item]  # the stubs do not know the default namespace
        for item in content:
            if isinstance(item, str):
                element.text = item
            elif item is not None:
                element.append(item)
        return element

    def text(self, name: str, value: str | None) -> etree._Element | None:
        """The element, or nothing where there is no value: an absent name is left out, as banks do."""
        return None if value is None else self(name, value)

    def document(self, message: etree._Element) -> bytes:
        """The whole file."""
        return etree.tostring(self("Document", message), xml_declaration=True, encoding="UTF-8")


def status_report(
    message_id: str,
    created_at: str,
    original_message_id: str,
    payment_info_id: str,
    group_status: str | None,
    lines: Sequence[StatusLine],
) -> bytes:
    """A pain.002 about one run. ``created_at`` is an ISO 8601 instant with its offset."""
    e = _Writer(PAIN_002_NAMESPACE)
    batch = e("OrgnlPmtInfAndSts", e("OrgnlPmtInfId", payment_info_id), *(_status_line(e, line) for line in lines))
    return e.document(
        e(
            "CstmrPmtStsRpt",
            e("GrpHdr", e("MsgId", message_id), e("CreDtTm", created_at)),
            e(
                "OrgnlGrpInfAndSts",
                e("OrgnlMsgId", original_message_id),
                e("OrgnlMsgNmId", "pain.001.001.09"),
                e.text("GrpSts", group_status),
            ),
            batch if lines else None,
        )
    )


def _status_line(e: _Writer, line: StatusLine) -> etree._Element:
    return e(
        "TxInfAndSts",
        e.text("OrgnlInstrId", line.instruction_id),
        e.text("OrgnlEndToEndId", line.end_to_end_id),
        e.text("OrgnlUETR", line.uetr),
        e("TxSts", line.status),
        None if line.reason_code is None else e("StsRsnInf", e("Rsn", e("Cd", line.reason_code))),
    )


def notification(message_id: str, created_at: str, account: str, lines: Sequence[BookingLine]) -> bytes:
    """A camt.054 of booked debits (and of credits that bring a returned payment back) on one account of ours."""
    e = _Writer(CAMT_054_NAMESPACE)
    body = e(
        "Ntfctn",
        e("Id", f"{message_id}-1"),
        e("CreDtTm", created_at),
        e("Acct", e("Id", e("IBAN", account))),
        *(_entry(e, line) for line in lines),
    )
    header = e("GrpHdr", e("MsgId", message_id), e("CreDtTm", created_at))
    return e.document(e("BkToCstmrDbtCdtNtfctn", header, body))


def _entry(e: _Writer, line: BookingLine) -> etree._Element:
    direction, sub_family = ("CRDT", "RRTN") if line.returned else ("DBIT", "ESCT")
    details = e(
        "TxDtls",
        e(
            "Refs",
            e("AcctSvcrRef", line.bank_ref),
            e.text("InstrId", line.instruction_id),
            e.text("EndToEndId", line.end_to_end_id),
            e.text("UETR", line.uetr),
        ),
        e("Amt", line.amount, Ccy=line.currency),
        e("CdtDbtInd", direction),
        e("RtrInf", e("Rsn", e("Cd", "AC04"))) if line.returned else None,
    )
    family = e("Fmly", e("Cd", "ICDT"), e("SubFmlyCd", sub_family))
    return e(
        "Ntry",
        e("Amt", line.amount, Ccy=line.currency),
        e("CdtDbtInd", direction),
        e("Sts", e("Cd", "BOOK")),
        e("BookgDt", e("Dt", line.booked_on)),
        e("ValDt", e("Dt", line.booked_on)),
        e("AcctSvcrRef", line.bank_ref),
        e("BkTxCd", e("Domn", e("Cd", "PMNT"), family)),
        e("NtryDtls", details),
    )
