"""The forms in which workers write for each other, as data: which this release knows, and which one it writes now.

A form is everything that a worker writes and another one must read: the schemas of the topics, the layout of
``internal`` in payments.state.v1, the fields of private rows. A release that changes any of it has a new form, and goes
on writing the one before until an upgrade is finished (streams/upgrade). Every form that was ever released is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

import msgspec

from schemas.codec import CodecError
from schemas.contract_files import load_schema, schema_as_of
from schemas.shapes import Schema

V = TypeVar("V")
Encode = Callable[[V], bytes]


Kept = tuple[bool, list[Any], list[tuple[str, int, str]]]
"""What ``internal`` holds: whether facts overflowed; each fact's bytes, or a list of these and its rivals; deadlines
that have fired, each as who armed it, when it was due (microseconds), and under which policy."""


class InternalLayout(Protocol):
    """How ``internal`` holds its facts, behind the head that all forms have: number of the form, due time."""

    def write(self, overflowed: bool, rows: list[Any], marks: list[tuple[str, int, str]]) -> bytes:
        """The three parts of ``Kept`` as bytes."""

    def read(self, data: bytes) -> Kept:
        """What ``write`` was given. Raises msgspec.DecodeError."""


class Array:
    """A msgpack array of the three."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(tuple[bool, list[Any], list[tuple[str, int, str]]]).decode

    def write(self, overflowed: bool, rows: list[Any], marks: list[tuple[str, int, str]]) -> bytes:
        """The array."""
        return self._encode((overflowed, rows, marks))

    def read(self, data: bytes) -> Kept:
        """The three. Raises msgspec.DecodeError."""
        return self._decode(data)


@dataclass(frozen=True, slots=True)
class Form:
    """``release``: the first one that could write it; its schemas are those of the form."""

    number: int
    release: str
    internal: InternalLayout
    added: Mapping[type[Any], frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """What came with it in private rows: their dataclasses (rows and parts of rows) and fields. Each has a default;
    only a dataclass that is new as a whole has none, and is named with all of its fields."""


class Forms:
    """The forms that a release knows, oldest first: it reads all of them, and writes any."""

    def __init__(self, release: str, *known: Form) -> None:
        if [form.number for form in known] != list(range(1, len(known) + 1)):
            raise ValueError(f"forms are numbered from 1: found {[form.number for form in known]}")
        self.release = release
        self.known: Final[Sequence[Form]] = known

    @property
    def newest(self) -> Form:
        """The release's own."""
        return self.known[-1]

    def reads(self, number: int) -> bool:
        """Whether the form is one of ours."""
        return 1 <= number <= self.newest.number

    def of(self, number: int) -> Form:
        """The form of that number. Raises CodecError: a later release wrote it, or nobody."""
        if not self.reads(number):
            raise CodecError(self.unknown(number))
        return self.known[number - 1]

    def unknown(self, number: int) -> str:
        """What to say of a form that is none of ours."""
        return (
            f"form {number}, but paystate {self.release} reads up to form {self.newest.number}: "
            "use the release that wrote it, or a later one"
        )

    def schema(self, contract: str, form: Form) -> Schema | None:
        """The topic's schema in that form; None: the topic came with a later one."""
        return load_schema(contract) if form is self.newest else schema_as_of(contract, form.release)

    def later_fields(self, form: Form) -> Mapping[type[Any], frozenset[str]]:
        """What that form does not have of the private rows of the newest one."""
        found: dict[type[Any], frozenset[str]] = {}
        for later in self.known[form.number :]:
            for kind, names in later.added.items():
                found[kind] = found.get(kind, frozenset()) | names
        return found


class Writing:
    """The form that this process writes. It is set when a worker starts, and raised while it runs when an upgrade ends.

    Between two raises on different workers both forms are written; that is safe, because by then all read both.
    """

    def __init__(self, forms: Forms, number: int | None = None) -> None:
        self.forms = forms
        self._first = self.number = forms.newest.number if number is None else forms.of(number).number

    def rise_to(self, number: int) -> None:
        """Write a later form from now on. Raises CodecError if it is none of ours; an earlier one changes nothing."""
        self.number = max(self.number, self.forms.of(number).number)

    def encoder(self, make: Callable[[Form], Encode[V]]) -> Encode[V]:
        """One encoder over those that ``make`` gives for each form that may be written yet."""
        made = {form.number: make(form) for form in self.forms.known[self._first - 1 :]}
        newest = made[self.forms.newest.number]
        if all(encode == newest for encode in made.values()):
            return newest
        return lambda value: made[self.number](value)


def thinned(value: Any, later: Mapping[type[Any], frozenset[str]]) -> Any:
    """A private row as msgpack takes it, without the fields of later forms. Raises CodecError where one is in use.

    What a row of ours says must not be dropped in silence: whoever adds a field leaves it at its default until its form
    is written (``Writing.number``).
    """
    if isinstance(value, tuple):
        return [thinned(item, later) for item in value]
    parts = getattr(type(value), "__dataclass_fields__", None)
    if parts is None:
        return value
    gone = later.get(type(value), frozenset())
    for name in gone:
        if getattr(value, name) != parts[name].default:
            raise CodecError(f"{type(value).__name__}.{name} cannot be written before its form is in force")
    return {name: thinned(getattr(value, name), later) for name in parts if name not in gone}


#: The forms that were released, and the next one. A new one is added here; none is ever changed or taken away.
FORMS: Final = Forms(
    version("paystate"),
    Form(1, "0.1.0", Array()),
)
