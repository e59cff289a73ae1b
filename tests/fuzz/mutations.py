"""Changes to a file as broken software, broken transfers and hostile senders make them; the same for the same seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

#: After a line end or a tag, before a tag: a line, an element or a text.
_PIECES: Final = re.compile(rb"(?<=[\n>}])|(?=<)")
_NUMBERS: Final = re.compile(rb"[0-9]+")
FRAGMENTS: Final = (
    *(
        b"",
        b"<",
        b">",
        b"&",
        b"&amp;",
        b"&#0;",
        b"&#x1F4A9;",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\x1a",
    ),
    *(b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x ?>", b"<a>", b"</a>", b"<!DOCTYPE a>", b'xmlns="x"', b"x:"),
    *(b"<TxDtls>", b"</TxDtls>", b"<Ntry/>", b"<Ntry>", b"</Ntry>", b"<TxInfAndSts/>", b"<GrpHdr>", b' Ccy="JPY"'),
    *(
        b"-",
        b"+",
        b".",
        b",",
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"\r\n",
        b"/",
        b":",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"'",
        b";",
        b"\\",
    ),
    *(b"-}", b"{1:", b"{4:", b":61:", b":86:", b":62F:", b":32A:", b":20:", b"\n-\n", b"/REJT/", b"?20"),
    *(b"88,", b"16,", b"98,", b"99,", b"\n88,", b",,", b"\n6", b"\n7", b"\n9", b"R01", b"C01"),
    *(
        b"0",
        b"1",
        b"9" * 30,
        b"1e9",
        b"NaN",
        b"Infinity",
        b"-0",
        b"0.",
        b".0",
        b"00",
        b"null",
        b"true",
        b"{}",
        b"[]",
        b"0.1",
    ),
    *(
        "\u0661".encode(),
        "\u2028".encode(),
        "é".encode(),
        "é".encode("latin-1"),
        b"A" * 40_000,
        b"(" * 300,
        b"[" * 3_000,
    ),
)
_MOST_AT_ONCE: Final = 4

Mutation = Callable[[bytes, Random], bytes]


def mutated(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """``data`` with some changes; ``others`` are files of the same format to take pieces from."""
    for _ in range(random.randint(1, _MOST_AT_ONCE)):
        if others and random.random() < 0.05:
            data = _crossed(data, random.choice(others), random)
        else:
            data = random.choice(_MUTATIONS)(data, random)
    return data


def _crossed(data: bytes, other: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def _replaced(data: bytes, random: Random) -> bytes:
    at, length = random.randint(0, len(data)), random.choice((0, 0, 1, 3, 12, 40))
    return data[:at] + random.choice(FRAGMENTS) + data[at + length :]


def _flipped(data: bytes, random: Random) -> bytes:
    at = random.randint(0, max(0, len(data) - 1))
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _number_changed(data: bytes, random: Random) -> bytes:
    numbers = list(_NUMBERS.finditer(data))
    if not numbers:
        return data
    chosen = random.choice(numbers)
    value = int(chosen.group()[:30])
    changed = random.choice((value + 1, value * 10, value // 10, 0, 10**15, 99))
    return data[: chosen.start()] + str(changed).encode() + data[chosen.end() :]


def _pieces(data: bytes) -> list[bytes]:
    return _PIECES.split(data)


def _piece_left_out(data: bytes, random: Random) -> bytes:
    pieces = _pieces(data)
    del pieces[random.randrange(len(pieces))]
    return b"".join(pieces)


def _pieces_repeated(data: bytes, random: Random) -> bytes:
    pieces = _pieces(data)
    at = random.randrange(len(pieces))
    some = pieces[at : at + random.choice((1, 3, 10, 30))]
    return b"".join([*pieces[:at], *some * random.choice((2, 2, 2, 5)), *pieces[at + len(some) :]])


def _pieces_swapped(data: bytes, random: Random) -> bytes:
    pieces = _pieces(data)
    one, two = random.randrange(len(pieces)), random.randrange(len(pieces))
    pieces[one], pieces[two] = pieces[two], pieces[one]
    return b"".join(pieces)


_MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(_replaced, _replaced, _flipped, _cut, _number_changed, _number_changed),
    *(_piece_left_out, _piece_left_out, _pieces_repeated, _pieces_swapped),
)
