"""Every ISO 20022 message that is read: its shape, its controls, its mapper."""

from __future__ import annotations

from functools import partial
from typing import Final

from connectors.contract import Connector, Mapper
from connectors.iso20022.controls import EntryControls, InitiationControls, NoControls, RecallControls, ReturnControls
from connectors.iso20022.entry import CONTAINERS, map_entry
from connectors.iso20022.initiation import map_initiation
from connectors.iso20022.parties import agent_id, party_id
from connectors.iso20022.payment_return import map_return
from connectors.iso20022.prologue import prologue_of
from connectors.iso20022.reader import Message, read
from connectors.iso20022.recall import map_recall, map_recall_answer
from connectors.iso20022.report import map_customer_report, map_interbank_report
from connectors.iso20022.said import Said, first, text
from connectors.iso20022.shapes import (
    ACCOUNT_REPORT,
    CUSTOMER_REPORT,
    INITIATION,
    INTERBANK_REPORT,
    NOTIFICATION,
    RECALL,
    RECALL_ANSWER,
    RETURN,
    STATEMENT,
)


def _from_header(header: Said) -> str | None:
    """The business application header's sender; older headers name a distinguished name."""
    return agent_id(first(header, "Fr", "FIId")) or party_id(first(header, "Fr", "OrgId")) or text(header, "From", "Id")


def _initiator(own: Said, header: Said) -> str | None:
    group = first(own, "GrpHdr")
    return _from_header(header) or agent_id(first(group, "DbtrAgt")) or party_id(first(group, "InitgPty"))


def _account_servicer(own: Said, header: Said) -> str | None:
    accounts = (first(own, name, "Acct", "Svcr") for name in CONTAINERS)
    return _from_header(header) or next((bank for account in accounts if (bank := agent_id(account))), None)


def _assigner(own: Said, header: Said) -> str | None:
    return _from_header(header) or agent_id(first(own, "Assgnmt", "Assgnr", "Agt"))


def _instructing_bank(own: Said, header: Said) -> str | None:
    return _from_header(header) or agent_id(first(own, "GrpHdr", "InstgAgt"))


_CASE: Final = ("Assgnmt", "Id")
MESSAGES: Final[tuple[tuple[Message, Mapper], ...]] = (
    (Message("pain.001", INITIATION, InitiationControls, _initiator), map_initiation),
    (Message("pain.002", CUSTOMER_REPORT, NoControls, _initiator), map_customer_report),
    (Message("pacs.002", INTERBANK_REPORT, NoControls, _instructing_bank), map_interbank_report),
    (Message("pacs.004", RETURN, ReturnControls, _instructing_bank), map_return),
    (Message("camt.029", RECALL_ANSWER, NoControls, _assigner, _CASE), map_recall_answer),
    (Message("camt.052", ACCOUNT_REPORT, EntryControls, _account_servicer), map_entry),
    (Message("camt.053", STATEMENT, EntryControls, _account_servicer), map_entry),
    (Message("camt.054", NOTIFICATION, EntryControls, _account_servicer), map_entry),
    (Message("camt.056", RECALL, RecallControls, _assigner, _CASE), map_recall),
)


def _is(message: str, head: bytes) -> bool:
    return prologue_of(head).message == message


def _connector(message: Message, mapper: Mapper) -> Connector:
    return Connector(message.format, partial(_is, message.shape.name), partial(read, message), mapper)


CONNECTORS: Final[tuple[Connector, ...]] = tuple(_connector(message, mapper) for message, mapper in MESSAGES)
