"""Avro encoders and decoders as Python source, generated from the schema for one dataclass.

Why not fastavro on the hot path: it wants dicts, so each record would be built twice, and it takes about two thirds of
an event's budget. The generated functions read and set attributes directly. Two measured tricks carry the speed:

- A record is encoded as one *text* of one character a byte (ISO 8859-1), a single f-string, and becomes bytes at the
  end. A text that is all ASCII is its own UTF-8; one that is not goes through ``utf8_text``.
- Bytes are decoded from that same text: slicing a text is half the price of slicing bytes and decoding the slice.

Each type's expression also checks the value: ``isascii`` takes nothing but texts, tables know nothing but their keys.
``Compiled.source`` is the generated text, for a person who debugs. Layout: Apache Avro 1.12, "Binary encoding".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from schemas import varints
from schemas.shapes import Choice, Nullable, Primitive, Record, Sequence, Shape
from schemas.varints import TABLE_SIZE, MalformedError

_PAD: Final = "    "
_ONE_BYTE_SYMBOLS: Final = 64


@dataclass(frozen=True, slots=True)
class Compiled:
    """``encode(value)`` gives the bytes as a text of one character a byte; ``decode(data, text, position)`` reads.

    ``text`` must be ``data.decode("latin-1")``. ``decode`` gives (value, next position) and does not look at the end of
    ``data``: the caller compares the position reached with the length (a slice past the end is short, so the position
    tells) and turns whatever is raised into its own error.
    """

    encode: Callable[[Any], str]
    decode: Callable[[bytes, str, int], tuple[Any, int]]
    source: str


def compile_codec(shape: Record) -> Compiled:
    """Generate the functions of a record. Deterministic: the same shape gives the same source."""
    writer, reader = _Writer(), _Reader()
    source = f"{writer.function(shape)}\n\n\n{reader.function(shape)}\n"
    scope = _RUNTIME | writer.constants | reader.constants
    exec(compile(source, f"<avro codec of {shape.name}>", "exec"), scope)  # noqa: S102 -- our own text, from our own schemas
    return Compiled(scope["encode"], scope["decode"], source)


def _not_a_tuple(value: Any) -> None:
    raise TypeError(f"expected a tuple, found {type(value).__name__}")


def _wrong_branch(branch: int, position: int) -> None:
    raise MalformedError(f"union branch {branch} at byte {position}: expected 0 (null) or 2")


_RUNTIME: Final[dict[str, Any]] = {
    "DECODED": varints.DECODED,
    "LENGTHS": varints.LENGTHS,
    "PRESENT": varints.SMALL_PRESENT,
    "SMALL": varints.SMALL,
    "BOOLEAN": {False: "\x00", True: "\x01"},
    "BOOLEANS": {0: False, 1: True},
    "int_text": varints.int_text,
    "isascii": str.isascii,
    "long_text": varints.long_text,
    "not_a_tuple": _not_a_tuple,
    "read_int": varints.read_int,
    "read_long": varints.read_long,
    "read_span": varints.read_span,
    "read_time": varints.read_time,
    "utf8_text": varints.utf8_text,
    "wrong_branch": _wrong_branch,
}


class _Names:
    """Fresh local names, and the constants that the source refers to."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self._count = 0

    def fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"


class _Writer(_Names):
    """Writes ``encode``. A shape becomes statements and the pieces that it adds to the f-string."""

    def function(self, shape: Record) -> str:
        lines, pieces = self._record(shape, "v", _PAD)
        return "\n".join(["def encode(v):", *lines, f"{_PAD}return {_joined(pieces)}"])

    def _record(self, shape: Record, value: str, pad: str) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        pieces: list[str] = []
        for name, field in shape.fields:
            more, added = self._write(field, f"{value}.{name}", pad)
            lines += more
            pieces += added
        return lines, pieces

    def _write(self, shape: Shape, value: str, pad: str) -> tuple[list[str], list[str]]:
        match shape:
            case Choice():
                return [], [f"{{{self._table(shape, present='')}[{value}]}}"]
            case Nullable(Choice() as choice):
                return [], [f"{{{self._table(choice, present=chr(2))}[{value}]}}"]
            case Nullable(Primitive("string")):
                return self._text(value, pad, nullable=True)
            case Nullable(inner):
                return self._nullable(inner, value, pad)
            case Record():
                x = self.fresh("r")
                lines, pieces = self._record(shape, x, pad)
                return [f"{pad}{x} = {value}", *lines], pieces
            case Sequence(item):
                return self._sequence(item, value, pad)
            case Primitive("string"):
                return self._text(value, pad, nullable=False)
            case Primitive("bytes"):
                x = self.fresh("t")
                return [f"{pad}{x} = {value}.decode('latin-1')"], [f"{{{_count(f'len({x})')}}}", f"{{{x}}}"]
            case Primitive("boolean"):
                return [], [f"{{BOOLEAN[{value}]}}"]
            case Primitive(name):
                x = self.fresh("n")
                small = f"SMALL[{x}] if 0 <= {x} < {TABLE_SIZE} else {name}_text({x})"
                return [f"{pad}{x} = {value}"], [f"{{{small}}}"]

    def _text(self, value: str, pad: str, *, nullable: bool) -> tuple[list[str], list[str]]:
        x = self.fresh("s")
        ascii_ = [f"if not isascii({x}): {x} = utf8_text({x})"]
        if not nullable:
            return [f"{pad}{x} = {value}", pad + ascii_[0]], [f"{{{_count(f'len({x})')}}}", f"{{{x}}}"]
        head = self.fresh("h")
        lines = [
            f"{pad}{x} = {value}",
            f"{pad}if {x} is None: {head} = '\\x00'; {x} = ''",
            f"{pad}else:",
            f"{pad}{_PAD}{ascii_[0]}",
            f"{pad}{_PAD}n = len({x})",
            f"{pad}{_PAD}{head} = PRESENT[n] if n < {TABLE_SIZE} else '\\x02' + long_text(n)",
        ]
        return lines, [f"{{{head}}}", f"{{{x}}}"]

    def _nullable(self, inner: Shape, value: str, pad: str) -> tuple[list[str], list[str]]:
        x, piece = self.fresh("o"), self.fresh("p")
        lines, pieces = self._write(inner, x, pad + _PAD)
        present = _joined(["\\x02", *pieces])
        return [
            f"{pad}{x} = {value}",
            f"{pad}if {x} is None: {piece} = '\\x00'",
            f"{pad}else:",
            *lines,
            f"{pad}{_PAD}{piece} = {present}",
        ], [f"{{{piece}}}"]

    def _sequence(self, item: Shape, value: str, pad: str) -> tuple[list[str], list[str]]:
        x, piece, each = self.fresh("a"), self.fresh("p"), self.fresh("i")
        lines, pieces = self._write(item, each, pad + _PAD * 2)
        return [
            f"{pad}{x} = {value}",
            f"{pad}if {x}.__class__ is not tuple: not_a_tuple({x})",
            f"{pad}if {x}:",
            f"{pad}{_PAD}n = len({x})",
            f"{pad}{_PAD}{piece} = {_count('n')}",
            f"{pad}{_PAD}for {each} in {x}:",
            *lines,
            f"{pad}{_PAD * 2}{piece} += {_joined(pieces)}",
            f"{pad}{_PAD}{piece} += '\\x00'",
            f"{pad}else: {piece} = '\\x00'",
        ], [f"{{{piece}}}"]

    def _table(self, choice: Choice, present: str) -> str:
        """The name of the table of an enum's members; with ``present`` it knows None too."""
        name = f"{'N' if present else 'W'}_{choice.name}"
        table: dict[Any, str] = {member: present + varints.long_text(i) for i, member in enumerate(choice.members)}
        if present:
            table[None] = "\x00"
        self.constants[name] = table
        return name


def _count(expression: str) -> str:
    return f"SMALL[{expression}] if {expression} < {TABLE_SIZE} else long_text({expression})"


def _joined(pieces: list[str]) -> str:
    return f'f"{"".join(pieces)}"'


class _Reader(_Names):
    """Writes ``decode``. A shape becomes statements that read at ``p`` and assign to a target."""

    def function(self, shape: Record) -> str:
        lines = self._record(shape, "v", _PAD)
        return "\n".join(["def decode(d, t, p):", *lines, f"{_PAD}return v, p"])

    def _record(self, shape: Record, target: str, pad: str) -> list[str]:
        self.constants[f"C_{shape.name}"] = shape.kind
        self.constants[f"T_{shape.name}"] = _open_twin(shape.kind)
        value = self.fresh("v")
        lines = [f"{pad}{value} = T_{shape.name}()"]
        for name, field in shape.fields:
            # Only a hint: whatever the number's size, it is read right.
            time = name == "at" or name == "since" or name.endswith("_at")
            lines += self._read(field, f"{value}.{name}", pad, time=time)
        return [*lines, f"{pad}{value}.__class__ = C_{shape.name}", f"{pad}{target} = {value}"]

    def _read(self, shape: Shape, target: str, pad: str, *, time: bool) -> list[str]:
        match shape:
            case Nullable(inner):
                return [
                    f"{pad}n = d[p]",
                    f"{pad}if n == 2:",
                    f"{pad}{_PAD}p += 1",
                    *self._read(inner, target, pad + _PAD, time=time),
                    f"{pad}elif n == 0: {target} = None; p += 1",
                    f"{pad}else: wrong_branch(n, p)",
                ]
            case Choice(name):
                return self._choice(shape, f"R_{name}", target, pad)
            case Record():
                return self._record(shape, target, pad)
            case Sequence(item):
                return self._sequence(item, target, pad)
            case Primitive("string"):
                return self._text(target, pad)
            case Primitive("bytes"):
                return [*self._span(pad), f"{pad}{target} = d[p:e]; p = e"]
            case Primitive("boolean"):
                return [f"{pad}{target} = BOOLEANS[d[p]]; p += 1"]
            case Primitive(name):
                read = "read_time" if time and name == "long" else f"read_{name}"
                return [
                    f"{pad}n = d[p]",
                    f"{pad}if n < 128: {target} = DECODED[n]; p += 1",
                    f"{pad}else: {target}, p = {read}(d, p)",
                ]

    def _choice(self, choice: Choice, table: str, target: str, pad: str) -> list[str]:
        self.constants[table] = {index << 1: member for index, member in enumerate(choice.members)}
        if len(choice.members) <= _ONE_BYTE_SYMBOLS:
            return [f"{pad}{target} = {table}[d[p]]; p += 1"]
        return [f"{pad}n, p = read_long(d, p)", f"{pad}{target} = {table}[n << 1]"]

    def _text(self, target: str, pad: str) -> list[str]:
        return [
            *self._span(pad),
            f"{pad}s = t[p:e]",
            f"{pad}{target} = s if s.isascii() else d[p:e].decode()",
            f"{pad}p = e",
        ]

    def _span(self, pad: str) -> list[str]:
        """From ``p`` to ``e``. A negative length of one byte is None in LENGTHS: adding it is a TypeError."""
        return [
            f"{pad}n = d[p]",
            f"{pad}if n < 128: p += 1; e = p + LENGTHS[n]",
            f"{pad}else: p, e = read_span(d, p)",
        ]

    def _sequence(self, item: Shape, target: str, pad: str) -> list[str]:
        items, each, left = self.fresh("l"), self.fresh("i"), self.fresh("c")
        return [
            f"{pad}if d[p] == 0: {target} = (); p += 1",
            f"{pad}else:",
            f"{pad}{_PAD}{items} = []",
            f"{pad}{_PAD}while True:",
            f"{pad}{_PAD * 2}{left}, p = read_long(d, p)",
            f"{pad}{_PAD * 2}if {left} == 0: break",
            # A negative count is followed by the size of the block in bytes (Avro specification, "Arrays").
            f"{pad}{_PAD * 2}if {left} < 0: {left} = -{left}; n, p = read_long(d, p)",
            f"{pad}{_PAD * 2}while {left}:",
            *self._read(item, each, pad + _PAD * 3, time=False),
            f"{pad}{_PAD * 3}{items}.append({each}); {left} -= 1",
            f"{pad}{_PAD}{target} = tuple({items})",
        ]


def _open_twin(kind: type[Any]) -> type[Any]:
    """A class of the same layout whose attributes can be set; an instance of it can then become one of ``kind``.

    The constructor of a frozen dataclass sets every attribute through ``object.__setattr__``: for a fact of 38 fields
    that is more than all the rest of its decoding. Filled as a twin and then given its class, it is an ordinary
    instance. A class below a frozen one inherits both ways to change an attribute: with either of them left to Python,
    setting one is a call.
    """
    if "__slots__" not in kind.__dict__:
        raise TypeError(f"{kind.__name__}: expected a dataclass with slots=True")
    slots = tuple(kind.__dict__["__slots__"])
    body = {
        "__slots__": slots,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
        "__init__": object.__init__,
    }
    return type(f"{kind.__name__}Twin", kind.__bases__, body)
