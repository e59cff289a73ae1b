"""Small SWIFT MT messages, written by hand, one thing different in each test."""

from __future__ import annotations

from connectors.contract import DEFAULT_PROFILE, Acknowledgement, BankProfile
from tests.connectors.files import Read, read

ACCOUNT = "DE02120300000000202051"
IGNORED = BankProfile("ignored", footing="ignore", controls="ignore")
UETR = "5f0c2a1e-7d44-4b0e-9c55-1a2b3c4d5e6f"


def statement(*lines: str, opening: str = "C260301EUR1000,", closing: str = "", head: str = "", end: str = "-") -> str:
    """An MT940 of one account. ``closing`` "": as the given lines would have it only with IGNORED."""
    told = f":20:STMT\n:25:{ACCOUNT}\n:28C:5/1\n{head}:60F:{opening}\n"
    return told + "".join(f"{line}\n" for line in lines) + f":62F:{closing or opening}\n{end}\n"


def lines_of(*lines: str, profile: BankProfile = IGNORED) -> list[Acknowledgement]:
    """What an MT940 of these lines says, whatever its balance."""
    return read(statement(*lines).encode(), "mt940", profile).acknowledgements()


def line(*lines: str, profile: BankProfile = IGNORED) -> Acknowledgement:
    """What an MT940 of one statement line says."""
    [only] = lines_of(*lines, profile=profile)
    return only


def debit(information: str, kind: str = "NTRFNONREF", profile: BankProfile = IGNORED) -> Acknowledgement:
    """A debit of 10,50 with this field 86."""
    return line(f":61:2603020302D10,50{kind}", f":86:{information}", profile=profile)


def credit(information: str, kind: str = "NTRFNONREF", profile: BankProfile = IGNORED) -> Acknowledgement:
    """A credit of 10,50 with this field 86."""
    return line(f":61:2603020302C10,50{kind}", f":86:{information}", profile=profile)


def interim(*lines: str, floors: str = ":34F:EUR0,\n", sums: str = "", number: str = "5/1", end: str = "-\n") -> str:
    """An MT942 of one account."""
    told = f":20:INTERIM\n:25:{ACCOUNT}\n:28C:{number}\n{floors}:13D:2603021200+0100\n"
    return told + "".join(f"{line}\n" for line in lines) + sums + end


def fin(type_: str, text: str, uetr: str = "") -> str:
    """A message in SWIFT's blocks, sent to us by BBBBUS33."""
    user = f"{{3:{{121:{uetr}}}}}" if uetr else ""
    return (
        f"{{1:F01AAAADEFFAXXX0000000000}}{{2:O{type_}1005260302BBBBUS33AXXX00000000002603021005N}}{user}{{4:\r\n"
        + text.strip("\n").replace("\n", "\r\n")
        + "\r\n-}"
    )


def taken(text: str, format_: str, profile: BankProfile = DEFAULT_PROFILE) -> Read:
    """A file of this text, read."""
    return read(text.encode(), format_, profile)
