"""Avro's numbers: zig-zag varints, as the generated encoders and decoders want them.

Encoders build a *text* in which every character is one byte (ISO 8859-1): joining texts is several times cheaper in
CPython than appending to a bytearray. So numbers are written as text, from tables of 7 and of 14 bits.
Layout: Apache Avro 1.12 specification, "Binary encoding".
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct, error
from typing import Final

TABLE_SIZE: Final = 8192
"""Numbers below it (14 bits zig-zag coded) have a table entry."""
_LONG_LIMIT: Final = 1 << 63
_INT_LIMIT: Final = 1 << 31
_MOST_VARINT_BYTES: Final = 10
_PAIR: Final = 14
#: One event's times stand in its step, its state and its milestones, and again with every later event of the payment.
_NUMBERS_KEPT: Final = 1 << 14
_MASK: Final = (1 << _PAIR) - 1


class MalformedError(ValueError):
    """Bytes that are not what the schema says, or a value that the schema cannot hold."""


#: 14 bits in two bytes, more to follow.
_MORE: Final = tuple(chr(bits & 0x7F | 0x80) + chr(bits >> 7 | 0x80) for bits in range(1 << _PAIR))
#: Up to 14 bits in one or two bytes, the last of a number.
_LAST: Final = tuple(
    chr(bits) if bits < 0x80 else chr(bits & 0x7F | 0x80) + chr(bits >> 7) for bits in range(1 << _PAIR)
)
#: The text of a small number.
SMALL: Final = tuple(_LAST[number << 1] for number in range(TABLE_SIZE))
#: The same behind the branch index of a nullable value that is there.
SMALL_PRESENT: Final = tuple("\x02" + text for text in SMALL)


@lru_cache(_NUMBERS_KEPT, typed=True)  # typed: 8192.0 equals 8192, and is no long
def long_text(number: int) -> str:
    """A long as text of one character a byte. Raises MalformedError outside of 64 bits."""
    coded = number << 1 if number >= 0 else (-number << 1) - 1
    if coded < 1 << 14:
        return _LAST[coded]
    if coded < 1 << 28:
        return _MORE[coded & _MASK] + _LAST[coded >> 14]
    if coded < 1 << 42:
        return f"{_MORE[coded & _MASK]}{_MORE[coded >> 14 & _MASK]}{_LAST[coded >> 28]}"
    if coded < 1 << 56:  # microseconds since 1970 are here
        return f"{_MORE[coded & _MASK]}{_MORE[coded >> 14 & _MASK]}{_MORE[coded >> 28 & _MASK]}{_LAST[coded >> 42]}"
    if not -_LONG_LIMIT <= number < _LONG_LIMIT:
        raise MalformedError(f"{number} does not fit 64 bits")
    low = "".join(_MORE[coded >> shift & _MASK] for shift in (0, 14, 28, 42))
    return low + _LAST[coded >> 56]


def int_text(number: int) -> str:
    """An int as text of one character a byte. Raises MalformedError outside of 32 bits."""
    if not -_INT_LIMIT <= number < _INT_LIMIT:
        raise MalformedError(f"{number} does not fit 32 bits")
    return long_text(number)


def utf8_text(text: str) -> str:
    """The UTF-8 bytes of a text, one character a byte."""
    return text.encode().decode("latin-1")


#: One byte of a number without more to follow -> the number.
DECODED: Final = tuple((byte >> 1) ^ -(byte & 1) for byte in range(0x80))
#: One byte of a length -> the length; None, which nothing can be added to, for a negative one.
LENGTHS: Final = tuple(None if byte & 1 else byte >> 1 for byte in range(0x80))

_EIGHT_BYTES: Final = Struct("<HHI").unpack_from
#: Two bytes of a number with more to follow, little-endian -> 14 bits; None for anything else.
_MIDDLE: Final[list[int | None]] = [None] * (1 << 16)
for _bits, _text in enumerate(_MORE):
    _MIDDLE[int.from_bytes(_text.encode("latin-1"), "little")] = _bits
#: The upper four bytes of times already seen -> their bits in place. Each stands for 134 seconds of microseconds.
_UPPER: Final[dict[int, int]] = {}
_MOST_UPPER: Final = 1 << 16


def read_long(data: bytes, position: int) -> tuple[int, int]:
    """The number at ``position`` and the position behind it. Raises MalformedError, IndexError."""
    coded, position = _read_coded(data, position)
    return (coded >> 1) ^ -(coded & 1), position


def read_int(data: bytes, position: int) -> tuple[int, int]:
    """The int at ``position`` and the position behind it. Raises MalformedError, IndexError."""
    number, position = read_long(data, position)
    if not -_INT_LIMIT <= number < _INT_LIMIT:
        raise MalformedError(f"{number} does not fit 32 bits")
    return number, position


def read_time(data: bytes, position: int) -> tuple[int, int]:
    """As ``read_long``, quick for numbers of eight bytes: microseconds of the years 1979 to 3111."""
    try:
        low, middle, upper = _EIGHT_BYTES(data, position)
        coded = _MIDDLE[low] | _MIDDLE[middle] << 14 | _UPPER[upper]  # None, so a TypeError: not eight bytes
    except (KeyError, TypeError, error):
        return _read_new_time(data, position)
    return (coded >> 1) ^ -(coded & 1), position + 8


def _read_new_time(data: bytes, position: int) -> tuple[int, int]:
    coded, end = _read_coded(data, position)
    if end - position == 8:
        if len(_UPPER) >= _MOST_UPPER:
            _UPPER.clear()
        _UPPER[int.from_bytes(data[position + 4 : end], "little")] = coded >> 28 << 28
    return (coded >> 1) ^ -(coded & 1), end


def read_span(data: bytes, position: int) -> tuple[int, int]:
    """Where the text or bytes at ``position`` begin and end. Raises MalformedError, IndexError."""
    coded, start = _read_coded(data, position)
    if coded & 1:
        raise MalformedError(f"negative length at byte {position}")
    return start, start + (coded >> 1)


def _read_coded(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    coded = byte & 0x7F
    start, shift = position, 7
    while True:
        position += 1
        byte = data[position]
        if byte < 0x80:
            coded |= byte << shift
            break
        coded |= (byte & 0x7F) << shift
        shift += 7
        if shift >= 7 * _MOST_VARINT_BYTES:
            raise MalformedError(f"a number of more than {_MOST_VARINT_BYTES} bytes at byte {start}")
    if coded >> 64:
        raise MalformedError(f"a number of more than 64 bits at byte {start}")
    return coded, position + 1
