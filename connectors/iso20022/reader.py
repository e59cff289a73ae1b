"""The streaming reader of all ISO 20022 messages: bytes in, one record for each thing said, bounded memory.

lxml builds the tree as bytes come; after every piece of the file what is complete is read and taken out of it: all
children of an element but its last. An entry or batch is read as a whole when it is complete, a large one in pieces.
Nothing is believed before the end of the document was seen and the declared counts and sums agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from lxml import etree

from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput
from connectors.iso20022.controls import Controls, NoControls
from connectors.iso20022.elements import OLD_NAMES, content, fields, fields_before, name_of, objects
from connectors.iso20022.prologue import Opened, no_message, parser
from connectors.iso20022.refusals import RefusedError, refused_xml
from connectors.iso20022.said import Said, text
from connectors.iso20022.scopes import Scope, Told
from connectors.iso20022.shapes import Part, all_parts

CHUNK_BYTES: Final = 32 << 10
MOST_BYTES_HELD: Final = 128 << 10
"""The records of one batch or entry wait for its end, unless more than this has come of it."""
MOST_BYTES_WAITING: Final = 8 << 20
"""What stands between two records is in memory: a file with more of it is no payment message."""
MOST_TIMES_REPEATED: Final = 100
FREELY_REPEATED_BYTES: Final = 64 << 20
"""Records repeat what is said around them. More than this and so many times the file is no payment message."""

Sender = Callable[[Said, Said], str | None]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its format's name, its shape, its controls, and who sent it (from its fields and its header)."""

    format: str
    shape: Part
    controls: Callable[[], Controls]
    sender: Sender
    message_id: tuple[str, ...] = ("GrpHdr", "MsgId")


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
    """One pass over one file. ``_open`` is the way from the message down to the part that is being read."""

    def __init__(self, message: Message, profile: BankProfile) -> None:
        self._message = message
        self._encoding = profile.encoding
        self._controls = message.controls() if profile.controls == "reject" else NoControls()
        self._inner = {part.name: {inner.name: inner for inner in part.parts} for part in all_parts(message.shape)}
        self._root: Scope | None = None
        self._element: etree._Element | None = None
        self._open: list[Scope] = []
        self._ready: list[ProviderRecord] = []
        self._header: JSON = None
        self._outer: dict[str, JSON] = {}
        self._records = 0
        self._repeated_bytes = 0
        self.at_end = False

    @property
    def message_id(self) -> str | None:
        """The message's id, as soon as it was read."""
        return text(self._root.own, *self._message.message_id) if self._root is not None else None

    def records(self, opened: Opened) -> Iterator[ProviderRecord]:
        """Everything said, in the file's order; the records of a batch come when it has ended, or in pieces."""
        self._header = opened.prologue.header
        shape = self._message.shape
        names = [shape.name, *(old for old, name in OLD_NAMES.items() if name == shape.name)]
        pull = parser([f"{{*}}{name}" for name in names], self._encoding)
        read_bytes = bytes_waiting = 0
        for chunk in opened.chunks():
            try:
                pull.feed(chunk)
            finally:  # of a file that is broken here, what is whole says at least which message it is
                self._find_message(pull)
                self._advance(large=bytes_waiting > MOST_BYTES_HELD)
            read_bytes += len(chunk)
            bytes_waiting = 0 if self._ready else bytes_waiting + len(chunk)
            yield from self._given_out(read_bytes)
            if bytes_waiting > MOST_BYTES_WAITING:
                raise self._nothing_said()
        self.at_end = True
        pull.close()
        if self._root is None or self._element is None:
            raise no_message(opened.prologue.names, shape.name)
        self._whole_container(self._root, self._element)
        yield from self._given_out(read_bytes)

    def end(self) -> FileEnd:
        """The last word on a good file."""
        said = {**self._outer, **(self._root.own if self._root is not None else {})}
        return FileEnd(
            self._message.format,
            self.message_id,
            self._message.sender(said, self._header),
            self._records,
            self._controls.declared_count,
            self._controls.declared_sum,
        )

    def _find_message(self, pull: etree.XMLPullParser) -> None:
        """The message's element has begun. Elements of its name within it are fields of something."""
        for event, element in pull.read_events():
            if event != "start" or not isinstance(element, etree._Element):
                continue
            if self._root is None:
                self._root, self._element = Scope(self._message.shape, None, element), element
            elif all(outer is not self._element for outer in element.iterancestors()):
                found = "another one: split the file"
                raise RefusedError("several_messages", name_of(element), "one message a file", found)

    def _given_out(self, read_bytes: int) -> Iterator[ProviderRecord]:
        if self._repeated_bytes > FREELY_REPEATED_BYTES + MOST_TIMES_REPEATED * read_bytes:
            limit = f"at most {MOST_TIMES_REPEATED} times the file repeated by its records"
            raise RefusedError("record_too_large", self._where(), limit, f"{self._repeated_bytes} bytes")
        yield from self._ready
        self._ready.clear()

    def _advance(self, *, large: bool) -> None:
        """Read what is complete. ``large``: of an entry or batch too, whose end has not come."""
        if self._root is not None and self._element is not None:
            self._advance_in(self._root, self._element, large)

    def _advance_in(self, scope: Scope, element: etree._Element, large: bool) -> None:
        """All children of a container but the last are complete; of the last, perhaps, what is within it."""
        if not len(element):
            return
        last = element[-1]
        self._open.append(scope)
        self._take(scope, element, last)
        part = self._inner[scope.part.name].get(name_of(last))
        if part is not None and part.parts and (large or not part.holds):
            begun = self._begun(scope, part, last)
            if part.holds:
                self._give_out(begun, last)
            else:
                self._advance_in(begun, last, large)
        self._open.pop()

    def _begun(self, outer: Scope, part: Part, element: etree._Element) -> Scope:
        """The part that ``element`` is: it may have been read up to somewhere."""
        begun = outer.begun
        if begun is None or begun.element is not element:
            begun = outer.begun = Scope(part, outer, element)
        return begun

    def _take(self, scope: Scope, element: etree._Element, last: etree._Element | None) -> None:
        """Read the children of a container up to ``last`` and take them out of the tree."""
        inner = self._inner[scope.part.name]
        for child in element:
            if child is last:
                break
            name = name_of(child)
            part = inner.get(name)
            if part is None:
                scope.say(name, content(child))
            elif not part.parts:
                self._give((self._leaf(scope, part, fields(child)),), None)
            elif part.holds:
                self._whole_holder(self._begun(scope, part, child), fields(child))
            else:
                self._whole_container(self._begun(scope, part, child), child)
        del element[: len(element) if last is None else -1]

    def _whole_container(self, ended: Scope, element: etree._Element) -> None:
        """All of it is there, and is read part by part."""
        self._open.append(ended)
        self._take(ended, element, None)
        self._open.pop()
        self._ended(ended)

    def _whole_holder(self, holder: Scope, found: dict[str, JSON]) -> None:
        """An entry or batch has ended, and says ``found``: its own record, if it is one, then those within."""
        own_before = len(holder.own)
        said = self._gather(holder, found)
        if holder.told and len(holder.own) > own_before:
            last = list(holder.own)[-1]
            raise RefusedError("misplaced_element", holder.position, "its own fields before its records", last)
        self._ended(holder)
        whole = holder.part.counts and holder.inside == len(said)
        self._give(said, len(said) if whole else None)

    def _give_out(self, holder: Scope, element: etree._Element) -> None:
        """An entry or batch that is too large to wait for its end: what is complete of it."""
        said = self._gather_complete(holder, element)
        if said:
            if not holder.part.only_alone:
                self._tell(holder)
            self._give(said, None)

    def _ended(self, ended: Scope) -> None:
        """It is no longer open: its figures are checked, and its own record is given out, if it is one."""
        self._controls.ended(ended.part.name, ended.position, ended.own)
        if len(self._open) == 1:  # the first of each part of the message: it may name the sender
            self._outer.setdefault(ended.part.name, ended.own)
        self._tell(ended)

    def _gather(self, scope: Scope, found: dict[str, JSON]) -> list[Told]:
        """Of what a holder, or a part within it, says: its own fields into it, its records out."""
        inner = self._inner[scope.part.name]
        begun, scope.begun = scope.begun, None
        scope.say_all(found, inner)
        said: list[Told] = []
        self._open.append(scope)
        for name, part in inner.items():
            for each in objects(found[name]) if name in found else ():
                if part.parts:
                    said += self._gather_inner(begun or Scope(part, scope), each)
                    begun = None  # it was the first of what is left
                else:
                    said.append(self._leaf(scope, part, each))
        self._open.pop()
        return said

    def _gather_inner(self, scope: Scope, found: dict[str, JSON]) -> list[Told]:
        """The records of a part within the holder, whole; or its own, if there are none within it."""
        said = self._gather(scope, found)
        self._controls.ended(scope.part.name, scope.position, scope.own)
        if scope.part.kind is not None and not (scope.part.only_alone and scope.inside):
            said.insert(0, self._told(scope.part, scope.position, scope.own))
        return said

    def _gather_complete(self, scope: Scope, element: etree._Element) -> list[Told]:
        """The same of a part that has not ended: of all its children but the last, and of what is complete in that."""
        if not len(element):
            return []
        last = element[-1]
        said = self._gather(scope, fields_before(element, last)) if len(element) > 1 else []
        del element[:-1]
        part = self._inner[scope.part.name].get(name_of(last))
        if part is not None and part.parts:
            begun = self._begun(scope, part, last)
            self._open.append(scope)
            said += self._gather_complete(begun, last)
            self._open.pop()
        return said

    def _leaf(self, outer: Scope, part: Part, said: dict[str, JSON]) -> Told:
        """A part without parts: it is a record."""
        position = outer.base.place(part)
        self._controls.ended(part.name, position, said)
        told = self._told(part, position, said)
        if part.kept:
            outer.say(part.name, said)
        return told

    def _told(self, part: Part, position: str, own: dict[str, JSON]) -> Told:
        """Count a record within all that is open."""
        self._records += 1
        for outer in self._open:
            outer.inside += 1
        return Told(part, position, own, tuple(self._open))

    def _tell(self, spoken: Scope) -> None:
        """Give out the record that a part with parts is itself, once. It must not be open any more."""
        part = spoken.part
        if part.kind is None or spoken.told or (part.only_alone and spoken.inside):
            return
        spoken.told = True
        self._give((self._told(part, spoken.position, spoken.own),), None)

    def _give(self, said: Iterable[Told], count: int | None) -> None:
        """Records are complete: what is around them is known."""
        for told in said:
            self._ready.append(told.record(count))
            for outer in told.around:
                self._repeated_bytes += outer.repeated_bytes

    def _nothing_said(self) -> RefusedError:
        limit = f"a record within {MOST_BYTES_WAITING} bytes"
        return RefusedError("record_too_large", self._where(), limit, "none yet")

    def _where(self) -> str:
        """The innermost part that was begun."""
        scope, position = self._root, ""
        while scope is not None:
            position, scope = scope.position or position, scope.begun
        return position or self._message.format
