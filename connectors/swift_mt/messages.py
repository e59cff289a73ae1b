"""Every SWIFT MT message that is read: its reader and its mapper."""

from __future__ import annotations

from functools import partial
from typing import Final

from connectors.contract import Connector, Mapper
from connectors.swift_mt import message_reader, statement_reader
from connectors.swift_mt.advice_mapper import map_credit, map_debit
from connectors.swift_mt.detection import message_type
from connectors.swift_mt.recall_mapper import map_answer, map_recall
from connectors.swift_mt.statement_mapper import map_booked, map_interim
from connectors.swift_mt.text_mapper import map_text

STATEMENTS: Final[tuple[tuple[statement_reader.Kind, Mapper], ...]] = (
    (statement_reader.STATEMENT, map_booked),
    (statement_reader.INTERIM, map_interim),
)
MESSAGES: Final[tuple[tuple[message_reader.Kind, Mapper], ...]] = (
    (message_reader.DEBIT, map_debit),
    (message_reader.CREDIT, map_credit),
    (message_reader.FREE_TEXT, map_text),
    (message_reader.RECALL, map_recall),
    (message_reader.ANSWER, map_answer),
)


def _is_statement(kind: statement_reader.Kind, head: bytes) -> bool:
    return message_type(head) == kind.type


def _is_message(kind: message_reader.Kind, head: bytes) -> bool:
    found = message_type(head)
    return found is not None and kind.types.fullmatch(found) is not None


def described(head: bytes) -> str | None:
    """What a file is that no connector here takes."""
    found = message_type(head)
    return f"SWIFT MT{found}" if found else None


CONNECTORS: Final[tuple[Connector, ...]] = (
    *(
        Connector(kind.format, partial(_is_statement, kind), partial(statement_reader.read, kind), mapper)
        for kind, mapper in STATEMENTS
    ),
    *(
        Connector(kind.format, partial(_is_message, kind), partial(message_reader.read, kind), mapper)
        for kind, mapper in MESSAGES
    ),
)
