"""Where the fields of each record stand, and what its codes mean: the Nacha Operating Rules, appendices on formats.

Positions are those of the rules minus one, as slices. Transaction codes: the first digit is the kind of account, the
second says which way the money goes and what becomes of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.domain.facts import Direction

FILE_HEADER: Final = "1"
BATCH_HEADER: Final = "5"
ENTRY: Final = "6"
ADDENDA: Final = "7"
BATCH_CONTROL: Final = "8"
FILE_CONTROL: Final = "9"
FILL: Final = "9" * 94
BLOCK_RECORDS: Final = 10
"""Blocking factor 10: a file is counted in blocks of ten records, filled up with nines."""

#: Record size 094, blocking factor 10, format code 1.
SIZES: Final = "094101"


class FileHeader:
    """Record 1."""

    destination = slice(3, 13)
    origin = slice(13, 23)
    date = slice(23, 29)
    time = slice(29, 33)
    modifier = slice(33, 34)
    sizes = slice(34, 40)


class BatchHeader:
    """Record 5. An IAT batch has its indicator where others have the company's name."""

    service_class = slice(1, 4)
    company = slice(4, 20)
    indicator = slice(4, 20)
    entry_class = slice(50, 53)
    effective_date = slice(69, 75)
    settlement_day = slice(75, 78)
    origin = slice(79, 87)
    number = slice(87, 94)


class Entry:
    """Record 6. ``addenda_declared``: CTX and ATX, inside the name; ``iat_addenda_declared``: IAT."""

    transaction_code = slice(1, 3)
    identification = slice(39, 54)
    amount = slice(29, 39)
    adv_amount = slice(27, 39)
    addenda_declared = slice(54, 58)
    iat_addenda_declared = slice(12, 16)
    addenda_follow = slice(78, 79)
    trace = slice(79, 94)


class ReturnAddenda:
    """Record 7 of type 98 and 99; what follows the original bank depends on the code."""

    type = slice(1, 3)
    code = slice(3, 6)
    original_trace = slice(6, 21)
    date_of_death = slice(21, 27)
    information = slice(35, 79)
    iat_information = slice(45, 79)
    corrected = slice(35, 64)
    iat_corrected = slice(35, 70)
    refused_code = slice(64, 67)
    return_trace = slice(38, 53)
    return_settlement_day = slice(53, 56)
    return_reason = slice(56, 58)
    dishonoured_information = slice(58, 79)
    dishonoured_trace = slice(58, 73)
    dishonoured_reason = slice(76, 78)


ENTRY_LINE: Final = re.compile(r"6([0-9]{2})([0-9]{8}).{18}([0-9]{10}).{39}([01 ])[0-9]{15}")
"""Transaction code, bank, amount, whether addenda follow. The same places in an IAT entry."""
ADV_ENTRY_LINE: Final = re.compile(r"6([0-9]{2})([0-9]{8}).{16}([0-9]{12}).{39}([01 ])[0-9]{15}")
ADDENDA_LINE: Final = re.compile(r"7([0-9]{2}).{91}")
BATCH_HEADER_LINE: Final = re.compile(r"5(200|220|225|280).{46}([A-Z]{3}).{26}([0-9]{8})([0-9]{7})")
BATCH_CONTROL_LINE: Final = re.compile(
    r"8([0-9]{3})([0-9]{6})([0-9]{10})([0-9]{12})([0-9]{12}).{35}([0-9]{8})([0-9]{7})"
)
ADV_BATCH_CONTROL_LINE: Final = re.compile(
    r"8([0-9]{3})([0-9]{6})([0-9]{10})([0-9]{20})([0-9]{20}).{19}([0-9]{8})([0-9]{7})"
)
FILE_CONTROL_LINE: Final = re.compile(r"9([0-9]{6})([0-9]{6})([0-9]{8})([0-9]{10})([0-9]{12})([0-9]{12}) {39}")
ADV_FILE_CONTROL_LINE: Final = re.compile(r"9([0-9]{6})([0-9]{6})([0-9]{8})([0-9]{10})([0-9]{20})([0-9]{20}) {23}")


@dataclass(frozen=True, slots=True)
class TransactionCode:
    """What an entry does. ``moves``: it asks for money to move, or is the return of one that did."""

    direction: Direction
    returned: bool = False
    moves: bool = True


def _transaction_codes() -> Mapping[str, TransactionCode]:
    codes: dict[str, TransactionCode] = {}
    # demand deposit, savings, general ledger, loan
    for account in "2345":
        codes[f"{account}1"] = TransactionCode(Direction.CREDIT, returned=True)
        codes[f"{account}2"] = TransactionCode(Direction.CREDIT)
        # prenotes, and zero amounts with information
        codes[f"{account}3"] = codes[f"{account}4"] = TransactionCode(Direction.CREDIT, moves=False)
        codes[f"{account}6"] = TransactionCode(Direction.DEBIT, returned=True)
        codes[f"{account}7"] = TransactionCode(Direction.DEBIT)
        codes[f"{account}8"] = codes[f"{account}9"] = TransactionCode(Direction.DEBIT, moves=False)
    # a loan is debited only to reverse a credit
    codes["55"] = TransactionCode(Direction.DEBIT)
    for unknown in ("57", "58", "59"):
        del codes[unknown]
    # accounting entries of the operator (ADV)
    for code in ("81", "83", "85", "87"):
        codes[code] = TransactionCode(Direction.CREDIT)
    for code in ("82", "84", "86", "88"):
        codes[code] = TransactionCode(Direction.DEBIT)
    return codes


TRANSACTION_CODES: Final = _transaction_codes()

#: A return that the originator's bank does not accept, and the answer of the receiver's bank to that.
DISHONOURED: Final = frozenset({"R61", "R62", "R67", "R68", "R69", "R70"})
CONTESTED: Final = frozenset({"R71", "R72", "R73", "R74", "R75", "R76", "R77"})
#: Corrections that the originator's bank sends back.
REFUSED_CHANGES: Final = frozenset(f"C6{digit}" for digit in range(1, 10))
CODE: Final = re.compile(r"[RC][0-9]{2}")
TRACE: Final = re.compile(r"[0-9]{15}")
RETURN_TYPES: Final = frozenset({"98", "99"})
ACKNOWLEDGEMENTS: Final = frozenset({"ACK", "ATX"})
"""Entry classes: the receiver's bank has the entry. The identification field is the trace number of the original."""
CORPORATE: Final = frozenset({"CTX", "ATX"})
IAT: Final = "IAT"
IAT_CORRECTION: Final = "IATCOR"
ADV: Final = "ADV"


#: The codes whose corrected data has an account number, and where it is: alone, or beside routing number and
#: transaction code, for which banks do not keep to the columns.
CORRECTED_ACCOUNTS: Final[Mapping[str, re.Pattern[str]]] = {
    "C01": re.compile(r"(?P<account>.+)"),
    "C03": re.compile(r".{9}\s*(?P<account>.+)"),
    "C06": re.compile(r"(?P<account>.{1,17}?)\s*[0-9]{2}"),
    "C07": re.compile(r".{9}(?P<account>.{1,17}?)\s*[0-9]{2}"),
}
