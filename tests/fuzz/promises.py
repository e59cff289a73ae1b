"""What every reader and mapper promises, whatever the bytes. Raises AssertionError where a promise is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from connectors.contract import Acknowledgement, BankProfile, FileEnd, Instruction, Mapped, Refusal
from connectors.detect import HEAD_BYTES, detect
from tests.connectors.files import Read, read
from tests.fuzz.amounts import held, shown
from tests.fuzz.seeds import profiles_of

MOST_REPEATED: Final = 100
MOST_BYTES_BESIDE: Final = 64 << 20
"""Records repeat what is said around them: so much of it at most comes out, by the bytes of a file."""
#: One message a file, or an end that says so: a file that is cut says all or nothing. Others may end after a message.
_WHOLE_ONLY: Final = ("pain", "pacs", "camt", "bai2", "nacha", "gpi")


def check(format_: str, data: bytes) -> None:
    """Read ``data`` as a file of that format, with all profiles that matter for it."""
    detect(data[:HEAD_BYTES])
    for profile in profiles_of(format_):
        done = read(data, format_, profile)
        _check_records(done, len(data))
        _check_verdict(done, format_)
        if done.accepted:
            _check_money(done, format_, data, profile)
            _check_cut(done, format_, data, profile)


def _check_records(done: Read, length: int) -> None:
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions)), f"a position comes twice: {Counter(positions).most_common(1)}"
    size = sum(len(msgspec.json.encode(record.fields)) for record in done.records)
    assert size <= MOST_BYTES_BESIDE + MOST_REPEATED * length, f"{size} bytes out of {length}"


def _check_verdict(done: Read, format_: str) -> None:
    last = done.last
    if isinstance(last, Refusal):
        assert last.reason, last
        assert last.where, last
        assert last.expected, last
        assert last.found, last
        msgspec.json.encode((last.where, last.expected, last.found, last.message_id))
    else:
        assert last.format == format_, last
        assert last.records == len(done.records), last
        msgspec.json.encode((last.message_id, last.sender))


def amounts_of(mapped: list[Mapped]) -> Iterator[Decimal]:
    """All amounts of money that the pipeline would take."""
    for item in mapped:
        if isinstance(item, Acknowledgement | Instruction):
            if item.amount is not None:
                yield item.amount
            if isinstance(item, Acknowledgement) and item.entry_amount is not None:
                yield item.entry_amount
        else:
            amount = getattr(item, "amount", None)
            if amount is not None:
                yield Decimal(amount.value)


def _check_money(done: Read, format_: str, data: bytes, profile: BankProfile) -> None:
    """Every amount stands in the file, digit for digit, and none is taken more often than it stands there."""
    show = shown(format_)
    taken = Counter(show(amount) for amount in amounts_of(done.mapped))
    invented = taken - held(format_, data, profile)
    assert not invented, f"more than the file holds: {dict(invented)}"


def _check_cut(done: Read, format_: str, data: bytes, profile: BankProfile) -> None:
    """A file that is cut is refused, or says what it said, or (of several messages) the beginning of it."""
    for share in (0.25, 0.5, 0.75, 0.95):
        at = int(len(data) * share)
        cut = read(data[:at], format_, profile)
        if not isinstance(cut.last, FileEnd) or _makes_an_end(data, at):
            continue
        if format_.startswith(_WHOLE_ONLY):
            assert cut.mapped == done.mapped, f"cut at {share} it says something else"
        else:
            assert cut.mapped == done.mapped[: len(cut.mapped)], f"cut at {share} it says something else"


def _makes_an_end(data: bytes, at: int) -> bool:
    """Cut just behind the ``-`` or ``-}`` that a longer line begins with: a SWIFT message ends in such a line."""
    line = data[:at].rpartition(b"\n")[2]
    return line in (b"-", b"-}") and data[at : at + 1] not in (b"", b"\r", b"\n")
