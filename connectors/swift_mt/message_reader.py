"""MT900, MT910, n99, n92 and n96: one record for each message, its fields by tag. Several messages may share a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput
from connectors.refused import RefusedError
from connectors.swift_mt.header import Header
from connectors.swift_mt.lines import lines_of
from connectors.swift_mt.tokens import FIRST_TAG, Begin, End, Field, tokens
from connectors.swift_mt.values import AMOUNT, CURRENCY, amount_of, day_of

_DATED_AMOUNT: Final = re.compile(rf"([0-9]{{6}})({CURRENCY})({AMOUNT})")
_AMOUNT: Final = re.compile(rf"({CURRENCY})({AMOUNT})")
#: Fields of a copied message that hold an amount.
AMOUNT_TAGS: Final = ("32A", "32B")
LONGEST_MESSAGE: Final = 65_536
"""SWIFT's end at 10,000 characters."""
COPIED: Final = "copied"
"""Before a tag that a copied message repeats: the message's own field comes first."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One message type. ``types``: which numbers it goes by; ``required``: a tag of each set must be there;
    ``tags`` None: it may hold a copy of any message."""

    format: str
    types: re.Pattern[str]
    required: tuple[frozenset[str], ...]
    tags: frozenset[str] | None


_SPOKEN: Final = frozenset({"20", "21", "25", "25P", "13D", "32A", "52A", "52D", "72"})
_PAYERS: Final = frozenset({"50A", "50F", "50K", "56A", "56D"})
_ADVICE: Final = tuple(frozenset(tags) for tags in (["20"], ["21"], ["25", "25P"], ["32A"]))
DEBIT: Final = Kind("mt900", re.compile("900"), _ADVICE, _SPOKEN)
CREDIT: Final = Kind("mt910", re.compile("910"), _ADVICE, _SPOKEN | _PAYERS)
FREE_TEXT: Final = Kind(
    "mt199",
    re.compile("[1-9]99"),
    (frozenset({"20"}), frozenset({"79"})),
    frozenset({"20", "21", "79"}),
)
RECALL: Final = Kind(
    "mtn92", re.compile("[1-9]92"), (frozenset({"20"}), frozenset({"21"}), frozenset({"11S", "11R", "79"})), None
)
ANSWER: Final = Kind("mtn96", re.compile("[1-9]96"), (frozenset({"20"}), frozenset({"21"}), frozenset({"76"})), None)


def read(kind: Kind, stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """The reader of ``kind`` (see connectors/contract.py)."""
    reading = _Reading(kind)
    try:
        for token in tokens(lines_of(stream, profile.encoding), kind.tags or frozenset()):
            if isinstance(token, Field):
                reading.field(token)
            elif isinstance(token, Begin):
                reading.begin(token)
            else:
                yield reading.end(token)
        yield reading.verdict()
    except RefusedError as refused:
        yield refused.refusal(kind.format, reading.message_id)


@dataclass(slots=True)
class _Reading:
    """One pass over one file."""

    kind: Kind
    header: Header = field(default_factory=Header)
    begins: int = 0
    said: dict[str, str] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)
    length: int = 0
    messages: int = 0
    sender: str | None = None
    message_id: str | None = None

    def begin(self, token: Begin) -> None:
        """A message begins: it must be of this kind."""
        found = token.header.type
        if found is not None and self.kind.types.fullmatch(found) is None:
            reason = "mixed_messages" if self.messages else "wrong_format"
            raise RefusedError(reason, f"line {token.line}", f"an MT{self.kind.types.pattern}", f"an MT{found}")
        self.header, self.begins, self.said, self.several = token.header, token.line, {}, set()
        self.length = 0
        self.sender = self.sender or token.header.sender

    def field(self, token: Field) -> None:
        """A field. A copied message may repeat a tag: the message's own comes first and counts, but for amounts: one
        of several is no amount of the payment."""
        tags, where = self.kind.tags, f"line {token.line}, :{token.tag}:"
        if tags is not None and token.tag not in tags:
            raise RefusedError(
                "unexpected_tag", where, f"fields of an MT{self.kind.types.pattern}", repr(token.text[:40])
            )
        if token.tag in self.said:
            if tags is not None:
                raise RefusedError("misplaced_tag", where, "the field once", "it again")
            self.several.add(token.tag)
            if token.tag == FIRST_TAG:
                self.said.setdefault(f"{COPIED} {token.tag}", token.text)
            return
        if token.tag in AMOUNT_TAGS:
            dated_amount(token.tag, token.text, where)
        self.length += len(token.text)
        if self.length > LONGEST_MESSAGE:
            limit = f"a message of at most {LONGEST_MESSAGE} characters"
            raise RefusedError("record_too_large", f"message of line {self.begins}", limit, f"{self.length} or more")
        self.said[token.tag] = token.text

    def end(self, token: End) -> ProviderRecord:
        """The message has ended: it must say what its type says."""
        where = f"message of line {self.begins}"
        if not token.said and token.at_end:
            raise RefusedError(
                "truncated", f"line {token.line}", "- or -} at the end of the message", "the end of the file"
            )
        for tags in self.kind.required:
            if not tags & self.said.keys():
                names = " or ".join(f":{tag}:" for tag in sorted(tags))
                said = ", ".join(f":{tag}:" for tag in self.said) or "no field"
                raise RefusedError("missing_tag", where, names, said)
        self.messages += 1
        self.message_id = self.said["20"].strip() or None if self.messages == 1 else None
        fields: dict[str, JSON] = {
            "sender": self.header.sender,
            "type": self.header.type,
            "uetr": self.header.uetr,
            **{tag: text for tag, text in self.said.items() if tag not in self.several or tag not in AMOUNT_TAGS},
        }
        return ProviderRecord("message", f"line {self.begins}", fields)

    def verdict(self) -> FileEnd:
        """The last word on a good file. Several messages have no name in common."""
        if not self.messages:
            raise RefusedError("empty", "the file", f"an MT{self.kind.types.pattern}", "no message")
        return FileEnd(self.kind.format, self.message_id, self.sender, self.messages)


@dataclass(frozen=True, slots=True)
class DatedAmount:
    """Field 32A, or 32B without a day."""

    day: str | None
    currency: str
    amount: str


def dated_amount(tag: str, text: str, where: str) -> DatedAmount:
    """Field 32A (``260302EUR1250,75``) or 32B (``EUR1250,75``). Raises RefusedError."""
    dated = tag == "32A"
    match = (_DATED_AMOUNT if dated else _AMOUNT).fullmatch(text.strip())
    expected = "YYMMDD, currency, amount with a comma" if dated else "currency, amount with a comma"
    if match is None or amount_of(match.groups()[-1]) is None:
        raise RefusedError("malformed_amount", where, expected, repr(text))
    day = day_of(match.group(1)) if dated else None
    if dated and day is None:
        raise RefusedError("invalid_date", where, "a day that exists, as YYMMDD", repr(match.group(1)))
    return DatedAmount(day.isoformat() if day else None, match.groups()[-2], match.groups()[-1])


def dated_amount_in(fields: Mapping[str, JSON]) -> DatedAmount | None:
    """The amount that a record tells of; None where it tells of none. Its reader has checked it."""
    for tag in AMOUNT_TAGS:
        told = fields.get(tag)
        if isinstance(told, str):
            return dated_amount(tag, told, tag)
    return None
