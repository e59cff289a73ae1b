"""What money a file holds, told without its reader: the texts of amounts, each as often as it stands there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final
from xml.parsers import expat

from connectors.contract import BankProfile

_MT: Final = re.compile(r"[0-9]+,[0-9]*")
_BAI2: Final = re.compile(r"(?<![0-9])[0-9]+(?![0-9])")
_XML: Final = ("pain", "pacs", "camt")
_BOM: Final = b"\xef\xbb\xbf"


def as_text(amount: Decimal) -> str:
    """An amount as an exact text: with its trailing zeros, without its sign and leading zeros."""
    return f"{abs(amount):f}"


def as_digits(amount: Decimal) -> str:
    """Its digits alone, for formats that imply or may choose the decimal mark."""
    return as_text(amount).replace(".", "").lstrip("0")


def held(format_: str, data: bytes, profile: BankProfile) -> Counter[str]:
    """The amounts that ``data`` holds, as ``shown(format_)`` writes them."""
    show = shown(format_)
    texts = _of_csv(data, profile) if format_ == "csv" else _texts(format_)(data)
    return Counter(show(amount) for text in texts if (amount := _decimal(text)) is not None)


def shown(format_: str) -> Callable[[Decimal], str]:
    """How amounts of a format are compared."""
    return as_digits if format_ in ("bai2", "csv") else as_text


def _decimal(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < Decimal(10) ** 40 and not _is_power(text) else None


def _is_power(text: str) -> bool:
    return "e" in text.lower()


def _texts(format_: str) -> Callable[[bytes], Iterable[str]]:
    if format_.startswith(_XML):
        return _of_xml
    if format_.startswith("mt"):
        return _of_swift
    if format_ == "gpi" or format_.endswith(".json"):
        return _of_json
    return {"bai2": _of_bai2, "nacha": _of_nacha}[format_]


def _of_xml(data: bytes) -> Iterator[str]:
    """The texts of all elements with a currency, by another parser than the reader's."""
    found: list[str] = []
    open_: list[list[str] | None] = []

    def start(_: str, attributes: dict[str, str]) -> None:
        open_.append([] if "Ccy" in attributes else None)

    def text(piece: str) -> None:
        if open_ and open_[-1] is not None:
            open_[-1].append(piece)

    def end(_: str) -> None:
        pieces = open_.pop()
        if pieces is not None:
            found.append("".join(pieces))

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    parser.Parse(data.removeprefix(_BOM).lstrip(b" \t\r\n"), True)
    yield from found


def _of_swift(data: bytes) -> Iterator[str]:
    for text in _MT.findall(data.decode("latin-1")):
        whole, _, fraction = text.partition(",")
        yield f"{whole}.{fraction}" if fraction else whole


def _of_json(data: bytes) -> Iterator[str]:
    """Every text that is a number."""
    whole = data.decode("utf-8-sig")
    try:
        yield from _strings(json.loads(whole))
    except ValueError:
        for line in whole.split("\n"):
            yield from _strings(json.loads(line) if line.strip() else None)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(inner)


def _of_bai2(data: bytes) -> Iterator[str]:
    yield from _BAI2.findall(data.decode("latin-1"))


def _of_nacha(data: bytes) -> Iterator[str]:
    """Amounts of entries, in cents: positions 30 to 39 of records 6."""
    for line in re.split(r"[\r\n]+", data.decode("utf-8-sig")):
        for at in range(0, len(line), 94):
            amount = line[at + 29 : at + 39]
            if line[at : at + 1] == "6" and amount.isascii() and amount.isdigit():
                yield f"{int(amount) // 100}.{amount[-2:]}"


def _of_csv(data: bytes, profile: BankProfile) -> Iterator[str]:
    """The digits of each cell."""
    layout = profile.options.get("csv") if profile.options else None
    assert isinstance(layout, dict), profile.name
    delimiter = str(layout["delimiter"])
    text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
    for cell in re.split(f'[{re.escape(delimiter)}"\r\n]', text):
        yield re.sub("[^0-9]", "", cell)
