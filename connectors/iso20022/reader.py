"""The streaming reader of all ISO 20022 messages: bytes in, one record for each thing said, bounded memory.

lxml builds the tree and tells us only of those elements that a message's shape names; what ended is taken out of the
tree, an entry or batch as a whole when it has ended, a large one in pieces. Nothing is believed before the end tag was
seen and the declared counts and sums agree.
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
MOST_BYTES_HELD: Final = 1 << 20
"""The same in bytes: a batch of large records is given out in smaller pieces."""
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
    """A part whose end has not come, or whose records are being made.

    ``inside``: how many records were made within it. ``told``: its own record was given out already. ``taken``: the
    last of its children that was taken; it stays in the tree, emptied, because the parser may still be adding to it.
    """

    part: Part
    element: etree._Element
    position: str
    own: dict[str, JSON] = field(default_factory=dict)
    repeated: dict[str, JSON] | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    inside: int = 0
    told: bool = False
    taken: etree._Element | None = None

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

    def say(self, name: str, value: JSON) -> None:
        """One more field of its own."""
        keep(self.own, name, value)
        self.repeated = None


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
    """One pass over one file.

    ``_open`` is the way from the message down to where we are. Within a part that holds (``_holder``: an entry, a
    batch) the parser's events are only counted: the tree has everything when its end comes.
    """

    def __init__(self, message: Message, profile: BankProfile) -> None:
        self._message = message
        self._encoding = profile.encoding
        self._controls = message.controls() if profile.controls == "reject" else NoControls()
        self._inner = {part.name: {inner.name: inner for inner in part.parts} for part in all_parts(message.shape)}
        self._open: list[_Open] = []
        self._holder: _Open | None = None
        self._begun: _Open | None = None
        self._waiting = 0
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
        """Everything said, in the file's order; the records of a batch come when it has ended, or in pieces."""
        self._header = opened.prologue.header
        names = [*self._inner, *(old for old, name in OLD_NAMES.items() if name == self._message.shape.name)]
        pull = parser([f"{{*}}{name}" for name in names], self._encoding)
        bytes_waiting = 0
        for chunk in opened.chunks():
            pull.feed(chunk)
            bytes_waiting += len(chunk)
            for event, element in pull.read_events():
                if isinstance(element, etree._Element):  # always, for these events
                    self._told(event, element)
            if self._ready:
                bytes_waiting = 0
                yield from self._ready
                self._ready.clear()
            elif bytes_waiting > MOST_BYTES_WAITING:
                raise self._nothing_said()
            elif bytes_waiting > MOST_BYTES_HELD:
                self._waiting = MOST_HELD
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

    def _told(self, event: str, element: etree._Element) -> None:
        holder = self._holder
        if holder is not None and element is not holder.element:
            if event == "end":
                self._waiting += 1
                if self._waiting >= MOST_HELD:
                    self._give_out(holder, element)
        elif event == "start":
            self._start(element)
        elif self._open:
            self._end(element)

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
        opened = _Open(part, element, self._position(part))
        self._open.append(opened)
        if part.holds:
            self._holder, self._begun, self._waiting = opened, None, 0

    def _end(self, element: etree._Element) -> None:
        outer = self._open[-1]
        if element is not outer.element:
            part = self._inner[outer.part.name].get(name_of(element))
            if part is not None and element.getparent() is outer.element:
                self._absorb(outer, element)
                self._ready.append(self._leaf(outer, part, element).record(None))
        elif outer is self._holder:
            self._end_of_holder(outer)
        else:
            self._end_of_container(outer)

    def _end_of_holder(self, holder: _Open) -> None:
        """An entry or batch has ended: its own record, if it is one, then those within."""
        own_before = len(holder.own)
        said = self._gather(holder, None)
        if holder.told and len(holder.own) > own_before:
            last = list(holder.own)[-1]
            raise RefusedError("misplaced_element", holder.position, "its own fields before its records", last)
        whole = holder.inside == len(said)
        self._open.pop()
        self._holder = None
        self._controls.ended(holder.part.name, holder.position, holder.own)
        self._note_outer(holder)
        self._tell(holder)
        count = len(said) if holder.part.counts and whole else None
        self._ready += [record.record(count) for record in said]
        _forget(holder.element)

    def _end_of_container(self, ended: _Open) -> None:
        for child in ended.element:
            name = name_of(child)
            if name not in self._inner[ended.part.name]:
                ended.say(name, content(child))
        self._open.pop()
        _forget(ended.element)
        if not self._open:
            self._whole = ended.own
        self._controls.ended(ended.part.name, ended.position, ended.own)
        self._note_outer(ended)
        self._tell(ended)

    def _note_outer(self, ended: _Open) -> None:
        """The first of each part of the message: it may name the sender."""
        if len(self._open) == 1:
            self._outer.setdefault(ended.part.name, ended.own)

    def _gather(self, scope: _Open, stop: etree._Element | None) -> list[_Said]:
        """Take the children of ``scope`` that stand before ``stop``: its own fields into it, its records out."""
        inner = self._inner[scope.part.name]
        parts: list[tuple[Part, etree._Element]] = []
        for child in scope.element:
            if child is scope.taken:
                continue
            if child is stop:
                break
            name = name_of(child)
            if name in inner:
                parts.append((inner[name], child))
            else:
                scope.say(name, content(child))
        said: list[_Said] = []
        for part, child in parts:
            if part.parts:
                said += self._gather_inner(part, child)
            else:
                said.append(self._leaf(scope, part, child))
        return said

    def _gather_inner(self, part: Part, element: etree._Element) -> list[_Said]:
        """The records of a part within the holder, whole; or its own, if there are none within it."""
        begun = self._begun
        scope = begun if begun is not None and begun.element is element else self._opened(part, element)
        self._open.append(scope)
        said = self._gather(scope, None)
        self._open.pop()
        self._controls.ended(part.name, scope.position, scope.own)
        if part.kind is not None and not (part.only_alone and scope.inside):
            said.insert(0, self._said(part, scope.position, scope.own))
        return said

    def _opened(self, part: Part, element: etree._Element) -> _Open:
        return _Open(part, element, self._position(part))

    def _give_out(self, holder: _Open, last: etree._Element) -> None:
        """A large batch or entry: give out what has ended up to ``last``, and take it out of the tree."""
        parent = last.getparent()
        if parent is None:
            return
        if parent is holder.element:
            said = self._gather(holder, last.getnext())
            self._drop(holder, last)
        elif parent.getparent() is holder.element and name_of(parent) in self._inner[holder.part.name]:
            said = self._gather_begun(holder, parent, last)
        else:
            return  # of the same name, but within something else
        self._waiting = 0
        if not holder.part.only_alone:
            self._open.pop()
            self._tell(holder)
            self._open.append(holder)
        self._ready += [record.record(None) for record in said]

    def _gather_begun(self, holder: _Open, parent: etree._Element, last: etree._Element) -> list[_Said]:
        """``last`` has ended within a part of the holder that has not."""
        said = self._gather(holder, parent)
        begun = self._begun
        if begun is None or begun.element is not parent:
            begun = self._begun = self._opened(self._inner[holder.part.name][name_of(parent)], parent)
        self._open.append(begun)
        said += self._gather(begun, last.getnext())
        self._open.pop()
        self._drop(begun, last)
        return said

    def _drop(self, scope: _Open, last: etree._Element) -> None:
        """Take what stands before ``last`` out of the tree."""
        scope.taken = last
        _forget(last)
        while scope.element[0] is not last:
            del scope.element[0]

    def _leaf(self, outer: _Open, part: Part, element: etree._Element) -> _Said:
        """A part without parts has ended: it is a record."""
        said, position = fields(element), self._position(part)
        self._controls.ended(part.name, position, said)
        record = self._said(part, position, said)
        if part.kept:
            outer.say(part.name, said)
        _forget(element)
        return record

    def _said(self, part: Part, position: str, own: dict[str, JSON]) -> _Said:
        """Count a record within all that is open."""
        self._records += 1
        for outer in self._open:
            outer.inside += 1
        return _Said(part, position, own, tuple(self._open))

    def _tell(self, spoken: _Open) -> None:
        """Give out the record that a part with parts is itself, once. It must not be open any more."""
        part = spoken.part
        if part.kind is None or spoken.told or (part.only_alone and spoken.inside):
            return
        spoken.told = True
        self._ready.append(self._said(part, spoken.position, spoken.own).record(None))

    def _absorb(self, outer: _Open, until: etree._Element) -> None:
        """Take the fields of ``outer`` that stand before its child ``until`` out of the tree."""
        inner, parent = self._inner[outer.part.name], outer.element
        while (child := parent[0]) is not until:
            name = name_of(child)
            if name not in inner:
                outer.say(name, content(child))
            del parent[0]

    def _nothing_said(self) -> RefusedError:
        where = next((outer.position for outer in reversed(self._open) if outer.position), self._message.format)
        return RefusedError("record_too_large", where, f"a record within {MOST_BYTES_WAITING} bytes", "none yet")

    def _position(self, part: Part) -> str:
        """The part's place: its number within the innermost part that stands in positions."""
        base = next((outer for outer in reversed(self._open) if outer.part.numbered), self._open[0])
        number = base.numbers[part.name] = base.numbers.get(part.name, 0) + 1
        place = f"{part.name}[{number}]"
        return f"{base.position}/{place}" if base.position else place
