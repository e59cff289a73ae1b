"""The streaming reader of all ISO 20022 messages: bytes in, one record for each thing said, bounded memory.

lxml builds the tree and tells us only the ends of those elements that a message's shape names; what ended is taken
out of the tree at once. Nothing is believed before the end tag was seen and the declared counts and sums agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import msgspec
from lxml import etree

from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput
from connectors.iso20022.controls import Controls, NoControls
from connectors.iso20022.elements import OLD_NAMES, content, fields, keep, name_of
from connectors.iso20022.prologue import Opened, no_message, parser
from connectors.iso20022.refusals import RefusedError, refused_xml
from connectors.iso20022.said import Said, text
from connectors.iso20022.shapes import Part, all_parts

CHUNK_BYTES: Final = 1 << 16
MOST_HELD: Final = 256
"""Records of one batch or entry that wait for its end."""
MOST_BYTES_WAITING: Final = 8 << 20
"""What stands between two records is in memory: a file with more of it is no payment message."""
MOST_BYTES_AROUND: Final = 256 << 10
"""What every record of a batch or account repeats."""
COUNT: Final = "count"
"""Field of a record: how many records its batch or entry holds, told where a single one means something else."""

Sender = Callable[[Said, Said], str | None]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its format's name, its shape, its controls, and who sent it (from its fields and its header)."""

    format: str
    shape: Part
    controls: Callable[[], Controls]
    sender: Sender
    message_id: tuple[str, ...] = ("GrpHdr", "MsgId")


@dataclass(slots=True)
class _Open:
    """A part whose end has not come: what it said so far, and its records that wait.

    ``inside``: how many records were made within it. ``told``: its own record was given out already.
    """

    part: Part
    element: etree._Element
    position: str
    own: dict[str, JSON] = field(default_factory=dict)
    repeated: dict[str, JSON] | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    inside: int = 0
    held: list[_Said] = field(default_factory=list)
    told: bool = False

    def for_records(self) -> dict[str, JSON]:
        """What each record within repeats of it. Raises RefusedError if that is more than any message says."""
        if self.repeated is None:
            left_out = self.part.left_out
            self.repeated = {name: said for name, said in self.own.items() if name not in left_out}
            size = len(msgspec.json.encode(self.own))
            if size > MOST_BYTES_AROUND:
                limit = f"at most {MOST_BYTES_AROUND} bytes beside its records"
                raise RefusedError("record_too_large", self.position or self.part.name, limit, f"{size} bytes")
        return self.repeated


@dataclass(slots=True)
class _Said:
    """One record that is complete but for what is around it."""

    part: Part
    position: str
    said: dict[str, JSON]
    around: tuple[_Open, ...]

    def record(self, count: int | None) -> ProviderRecord:
        """The record with all that is said around it (the message itself stands in nothing); ``count`` of its
        siblings where the shape wants it told."""
        if not self.around:
            return ProviderRecord(self.part.kind or "", self.part.name, self.said)
        told: dict[str, JSON] = dict(self.around[0].for_records())
        for outer in self.around[1:]:
            told[outer.part.name] = outer.for_records()
        told[self.part.name] = self.said
        if count is not None:
            told[COUNT] = count
        return ProviderRecord(self.part.kind or "", self.position, told)


def _forget(element: etree._Element) -> None:
    """Empty an element that has ended; its tail may still be growing and stays."""
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # lxml has it since 4.4, its stubs do not


def read(message: Message, stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """The reader of ``message`` (see connectors/contract.py)."""
    reading = _Reading(message, profile)
    try:
        yield from reading.records(Opened(stream, message.shape.name, profile.encoding, CHUNK_BYTES))
        yield reading.end()
    except RefusedError as refused:
        yield refused.refusal(message.format, reading.message_id)
    except etree.XMLSyntaxError as error:
        yield refused_xml(error, reading.at_end).refusal(message.format, reading.message_id)


class _Reading:
    """One pass over one file."""

    def __init__(self, message: Message, profile: BankProfile) -> None:
        self._message = message
        self._encoding = profile.encoding
        self._controls = message.controls() if profile.controls == "reject" else NoControls()
        self._inner = {part.name: {inner.name: inner for inner in part.parts} for part in all_parts(message.shape)}
        self._open: list[_Open] = []
        self._ready: list[ProviderRecord] = []
        self._header: JSON = None
        self._whole: dict[str, JSON] | None = None
        self._outer: dict[str, JSON] = {}
        self._records = 0
        self.at_end = False

    @property
    def message_id(self) -> str | None:
        """The message's id, as soon as it was read."""
        if self._whole is not None:
            return text(self._whole, *self._message.message_id)
        return text(self._open[0].own, *self._message.message_id) if self._open else None

    def records(self, opened: Opened) -> Iterator[ProviderRecord]:
        """Everything said, in the file's order; a held record comes when its batch has ended."""
        self._header = opened.prologue.header
        names = [*self._inner, *(old for old, name in OLD_NAMES.items() if name == self._message.shape.name)]
        pull = parser([f"{{*}}{name}" for name in names], self._encoding)
        waiting = 0
        for chunk in opened.chunks():
            pull.feed(chunk)
            waiting += len(chunk)
            for event, element in pull.read_events():
                if not isinstance(element, etree._Element):
                    continue  # never for these events, but lxml's types say so
                if event == "start":
                    self._start(element)
                else:
                    self._end(element)
            if waiting > MOST_BYTES_WAITING and not self._ready:
                self._let_go()
            if self._ready:
                waiting = 0
                yield from self._ready
                self._ready.clear()
        self.at_end = True
        pull.close()
        if self._whole is None:
            raise no_message(opened.prologue.names, self._message.shape.name)

    def end(self) -> FileEnd:
        """The last word on a good file."""
        said = {**self._outer, **(self._whole or {})}
        return FileEnd(
            self._message.format,
            self.message_id,
            self._message.sender(said, self._header),
            self._records,
            self._controls.declared_count,
            self._controls.declared_sum,
        )

    def _start(self, element: etree._Element) -> None:
        name = name_of(element)
        if not self._open:
            if self._whole is not None:
                raise RefusedError("several_messages", name, "one message a file", "another one: split the file")
            if name == self._message.shape.name:
                self._open.append(_Open(self._message.shape, element, ""))
            return
        outer = self._open[-1]
        part = self._inner[outer.part.name].get(name)
        if part is None or not part.parts or element.getparent() is not outer.element:
            return
        self._absorb(outer, element)
        self._open.append(_Open(part, element, self._position(part)))

    def _end(self, element: etree._Element) -> None:
        if not self._open:
            return
        outer = self._open[-1]
        if element is outer.element:
            self._close(outer)
            return
        part = self._inner[outer.part.name].get(name_of(element))
        if part is not None and element.getparent() is outer.element:
            self._leaf(part, element)

    def _leaf(self, part: Part, element: etree._Element) -> None:
        """A record without parts has ended: take what it says and forget it."""
        outer = self._open[-1]
        self._absorb(outer, element)
        said, position = fields(element), self._position(part)
        _forget(element)
        self._controls.ended(part.name, position, said)
        self._say(_Said(part, position, said, tuple(self._open)))
        if part.kept:
            keep(outer.own, part.name, said)
            outer.repeated = None

    def _close(self, ended: _Open) -> None:
        """A part with parts has ended."""
        known = len(ended.own)
        for child in ended.element:
            self._take(ended, child)
        if ended.told and len(ended.own) > known:
            raise RefusedError(
                "misplaced_element", ended.position, "its own fields before its records", list(ended.own)[-1]
            )
        _forget(ended.element)
        self._open.pop()
        part = ended.part
        if not self._open:
            self._whole = ended.own
        self._controls.ended(part.name, ended.position, ended.own)
        if not self._open:
            self._tell(ended)
            return
        if len(self._open) == 1:
            self._outer.setdefault(part.name, ended.own)
        self._tell(ended)
        if part.holds:
            self._flush(ended, ended.inside if part.counts else None)

    def _tell(self, spoken: _Open) -> None:
        """Give out the record that a part with parts is itself, once."""
        part = spoken.part
        if part.kind is None or spoken.told or (part.only_alone and spoken.inside):
            return
        spoken.told = True
        around = tuple(outer for outer in self._open if outer is not spoken)
        self._say(_Said(part, spoken.position, spoken.own, around))

    def _say(self, said: _Said) -> None:
        """A record is complete: it waits with the innermost part that holds, else it goes out."""
        self._records += 1
        holder = None
        for outer in said.around:
            outer.inside += 1
            if outer.part.holds:
                holder = outer
        if holder is None:
            self._ready.append(said.record(None))
            return
        holder.held.append(said)
        if len(holder.held) >= MOST_HELD:
            self._flush(holder, None)

    def _flush(self, holder: _Open, count: int | None) -> None:
        """Give out what waits; ``count`` only if these are all of them."""
        if not holder.part.only_alone:
            self._tell(holder)
        if holder.inside > len(holder.held):
            count = None
        self._ready += [said.record(count) for said in holder.held]
        holder.held = []
        for outer in self._open:
            outer.repeated = None if outer is holder else outer.repeated

    def _let_go(self) -> None:
        """Much was read and nothing came of it: give out what waits, or refuse the file."""
        for outer in self._open:
            if outer.held:
                self._flush(outer, None)
        if not self._ready:
            where = next((outer.position for outer in reversed(self._open) if outer.position), self._message.format)
            raise RefusedError("record_too_large", where, f"a record within {MOST_BYTES_WAITING} bytes", "none yet")

    def _absorb(self, outer: _Open, until: etree._Element) -> None:
        """Take the fields of ``outer`` that stand before its child ``until`` out of the tree."""
        parent = outer.element
        while (child := parent[0]) is not until:
            self._take(outer, child)
            del parent[0]

    def _take(self, outer: _Open, child: etree._Element) -> None:
        name = name_of(child)
        if name not in self._inner[outer.part.name]:
            keep(outer.own, name, content(child))
            outer.repeated = None

    def _position(self, part: Part) -> str:
        """The part's place: its number within the innermost part that stands in positions."""
        base = next((outer for outer in reversed(self._open) if outer.part.numbered), self._open[0])
        number = base.numbers[part.name] = base.numbers.get(part.name, 0) + 1
        place = f"{part.name}[{number}]"
        return f"{base.position}/{place}" if base.position else place
