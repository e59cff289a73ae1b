"""NACHA files made for tests: what is not told is as the rules have it, counts, sums and hashes included."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import DEFAULT_PROFILE, Acknowledgement, BankProfile
from tests.connectors.files import Read
from tests.connectors.files import read as read_format

TRACE = "091400600000003"
OWN_TRACE = "021000029461242"
BANK = "09140060"


def record(*parts: tuple[int, str], kind: str) -> str:
    """A record of 94 characters: texts at their positions, counted from 1 as the rules do."""
    line = kind.ljust(94)
    for position, text in parts:
        line = line[: position - 1] + text + line[position - 1 + len(text) :]
    assert len(line) == 94, line
    return line


def header(date: str = "181017", time: str = "0306", modifier: str = "A") -> str:
    return record(
        (2, "01"), (4, " 091400606"), (14, " 691000134"), (24, date), (30, time), (34, modifier), (35, "094101"),
        (41, "FIRST BANK"), (64, "OUR COMPANY"), kind="1",
    )  # fmt: skip


def batch(
    entry_class: str = "PPD",
    company: str = "OUR COMPANY",
    effective: str = "181016",
    settled: str = "   ",
    *,
    service: str = "200",
) -> str:
    return record(
        (2, service), (5, company), (41, "1234567890"), (51, entry_class), (54, "PAYMENT"), (70, effective),
        (76, settled), (79, "1"), (80, "09100001"), (88, "0000001"), kind="5",
    )  # fmt: skip


def entry(
    code: str = "21", cents: int = 4565, *, follow: int = 1, trace: str = OWN_TRACE, name: str = "Bob Marley", **at: str
) -> str:
    """``at``: other texts, by ``at_13`` and the like."""
    more = [(int(place.removeprefix("at_")), text) for place, text in at.items()]
    return record(
        (2, code), (4, BANK), (12, "6"), (13, "867530999999"), (30, f"{cents:010d}"), (40, "VENDOR-17"), (55, name),
        (79, str(follow)), (80, trace), *more, kind="6",
    )  # fmt: skip


def returned(reason: str = "R03", *, trace: str = TRACE, type_: str = "99", **at: str) -> str:
    more = [(int(place.removeprefix("at_")), text) for place, text in at.items()]
    return record((2, type_), (4, reason), (7, trace), (28, "02100002"), (80, OWN_TRACE), *more, kind="7")


def totals(lines: Sequence[str], *, adv: bool = False) -> tuple[int, int, int, int]:
    """Count, hash, debits and credits of entries and addenda, reckoned apart from the reader."""
    entries = [line for line in lines if line[0] == "6"]
    cents = [(line[1:3], int(line[27:39] if adv else line[29:39])) for line in entries]
    debits = {"26", "27", "28", "29", "36", "37", "46", "47", "55", "56", "82", "84", "86", "88"}
    return (
        sum(line[0] in "67" for line in lines),
        sum(int(line[3:11]) for line in entries) % 10**10,
        sum(amount for code, amount in cents if code in debits),
        sum(amount for code, amount in cents if code not in debits),
    )


def batch_of(first: str, *lines: str) -> list[str]:
    """A batch with its control."""
    adv = first[50:53] == "ADV"
    count, hash_, debit, credit = totals(lines, adv=adv)
    sums = f"{debit:020d}{credit:020d}" if adv else f"{debit:012d}{credit:012d}"
    control = record((2, first[1:4]), (5, f"{count:06d}{hash_:010d}{sums}"), (80, first[79:94]), kind="8")
    return [first, *lines, control]


def file_of(*batches: list[str], first: str | None = None) -> list[str]:
    """A file with its header and control."""
    lines = [line for rows in batches for line in rows]
    adv = any(line[50:53] == "ADV" for line in lines if line[0] == "5")
    count, hash_, debit, credit = totals(lines, adv=adv)
    sums = f"{debit:020d}{credit:020d}" if adv else f"{debit:012d}{credit:012d}"
    blocks = -(-(len(lines) + 2) // 10)
    control = record((2, f"{len(batches):06d}{blocks:06d}{count:08d}{hash_:010d}{sums}"), kind="9")
    return [first or header(), *lines, control]


def text(lines: Sequence[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def one(*lines: str, batch_header: str | None = None, first: str | None = None) -> bytes:
    """A file of one batch of these lines."""
    return text(file_of(batch_of(batch_header or batch(), *lines), first=first))


def read(data: bytes, profile: BankProfile = DEFAULT_PROFILE) -> Read:
    return read_format(data, "nacha", profile)


def only(data: bytes, profile: BankProfile = DEFAULT_PROFILE) -> Acknowledgement:
    return read(data, profile).only()
