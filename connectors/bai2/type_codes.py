"""What kind of movement a type code is, and which way the money goes.

Sources: BAI, Cash Management Balance Reporting Specifications Version 2: appendix A (the table of the ``bai2``
library) and the ranges of custom codes: 900-929 status, 930-959 credits, 960-999 debits. A bank profile says what its
own codes are, or that it means otherwise by one: option ``movements``, by type code.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from bai2.constants import TypeCodeLevel, TypeCodes, TypeCodeTransaction

from connectors.contract import BankProfile
from connectors.iso20022.transaction_codes import Movement
from streams.domain.facts import Direction

_CREDITS: Final = (range(100, 400), range(930, 960))
_DEBITS: Final = (range(400, 700), range(960, 1000))
_DIRECTIONS: Final = {TypeCodeTransaction.credit: Direction.CREDIT, TypeCodeTransaction.debit: Direction.DEBIT}

_CODES: Final[Mapping[Movement, str]] = {
    # what we paid comes back, as a credit: EDIBANX, debit reversal, cheque posted and returned, ACH return, ACH
    # reversal, rejected, return item (wire), cheque reversal; what others paid us is taken back, as a debit: EDIBANX,
    # credit reversal, deposited item returned, ACH return, ACH reversal, rejected, return item, deposit reversal
    Movement.RETURN: "123 252 255 257 258 261 266 395 423 552 555 557 558 561 566 694",
    # collections by others: ACH debit received, preauthorised ACH debit
    Movement.DIRECT_DEBIT: "451 455",
    # commission, interest and its adjustments, fees and their refunds, overdraft and return item fees, analysis
    Movement.FEE: "224 242 354 359 398 524 564 567 654 659 661 698",
    # concentration (ACH, DTC), automatic transfers, zero balancing, controlled disbursement funding, sweeps
    Movement.SWEEP: "135 136 145 201 274 275 276 277 278 281 286 346 347 445 485 501 574 575 576 577 578 656",
    # cash machines
    Movement.CARD: "295 595",
    # corrections, adjustments and float; overdraft, loans, letters of credit, collections, foreign exchange, money
    # market, securities, futures, investments, funds of the Federal Reserve, cash and coin, taxes and trusts
    Movement.OTHER: (
        "254 263 268 306 308 331 342 344 345 348 349 351 353 357 358 408 415 476 477 481 487 489 496 502 512 513 514 "
        "518 522 526 531 533 535 538 540 541 542 543 544 546 547 548 549 554 563 568 616 622 627 629 631 633 634 641 "
        "644 651 657 658 662 663 664 666 667 668 669 672 674 676 677 678 679 681 682 683 684 686 687 688 695 696"
    ),
}
_MOVEMENTS: Final = {code: movement for movement, codes in _CODES.items() for code in codes.split()}
#: Debits of a whole file or run: ACH disbursement funding, ACH settlement. Cumulative debits have no name at all.
_BATCHES: Final = frozenset({"447", "466"})
#: Any debit, miscellaneous, cumulative: what it is stands in the text, if anywhere.
_GENERIC: Final = frozenset({"409", "469", "472", "529", "697", "699"})


@cache
def direction_of(type_code: str) -> Direction:
    """Which way the money goes; UNKNOWN for codes that are no transactions, or nobody's."""
    known = TypeCodes.get(type_code)
    if known is not None:
        return _DIRECTIONS.get(known.transaction, Direction.UNKNOWN)
    number = int(type_code)
    if any(number in custom for custom in _CREDITS):
        return Direction.CREDIT
    return Direction.DEBIT if any(number in custom for custom in _DEBITS) else Direction.UNKNOWN


def movement_of(type_code: str, profile: BankProfile) -> Movement:
    """The kind of movement. A code without a row is a transfer: its references decide. Totals are none."""
    overrides = profile.options.get("movements") if profile.options else None
    if isinstance(overrides, dict):
        told = overrides.get(type_code)
        if isinstance(told, str):
            return Movement(told)
    return _standard_movement(type_code)


@cache
def _standard_movement(type_code: str) -> Movement:
    known = TypeCodes.get(type_code)
    if known is not None and known.level is not TypeCodeLevel.detail:
        return Movement.OTHER
    return _MOVEMENTS.get(type_code, Movement.TRANSFER)


def is_batch(type_code: str) -> bool:
    """Whether the debit is that of a whole file or run, unless it names one payment."""
    return type_code in _BATCHES


def is_generic(type_code: str) -> bool:
    """Whether the code leaves open what the debit is."""
    return type_code in _GENERIC
