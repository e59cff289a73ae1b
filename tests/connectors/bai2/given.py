"""BAI2 files made for tests: trailers add up unless they are told."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import DEFAULT_PROFILE, Acknowledgement, BankProfile
from tests.connectors.files import Read
from tests.connectors.files import read as read_format

FILE = "01,BANK,US,261124,0815,7,,,2/"
GROUP = "02,US,BANKID,1,261123,2400,,2/"
ACCOUNT = "03,1234567890,USD,010,100000,,/"
WIRE = "16,495,505000,Z,BANKREF1,PAY-4711,WIRE OUT"


def account_of(*lines: str, first: str = ACCOUNT, total: int) -> list[str]:
    """An account with its trailer."""
    return [first, *lines, f"49,{total},{len(lines) + 2}/"]


def file_of(*accounts: list[str], group: str = GROUP, total: int) -> list[str]:
    """A file of one group of these accounts."""
    lines = [line for account in accounts for line in account]
    return [
        FILE,
        group,
        *lines,
        f"98,{total},{len(accounts)},{len(lines) + 2}/",
        f"99,{total},1,{len(lines) + 4}/",
    ]


def text(lines: Sequence[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def one(*lines: str, amount: int = 505000, account: str = ACCOUNT, summary: int = 100000, group: str = GROUP) -> bytes:
    """A file with these lines under one account; ``amount``: what their records 16 add up to."""
    total = amount + summary
    return text(file_of(account_of(*lines, first=account, total=total), group=group, total=total))


def read(data: bytes, profile: BankProfile = DEFAULT_PROFILE) -> Read:
    return read_format(data, "bai2", profile)


def only(data: bytes, profile: BankProfile = DEFAULT_PROFILE) -> Acknowledgement:
    return read(data, profile).only()
