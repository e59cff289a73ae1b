"""Reason codes of SWIFT gpi (progress of a wire) and of the Nacha rules (returns R.., notifications of change C..).

Classes are those of a *credit* of ours; codes that exist for debits only are of the counterparty. No return of a
credit is retried by itself, so none is TRANSPORT or TRANSIENT.
"""

from __future__ import annotations

from typing import Final

from streams.domain.reason_rows import ReasonRow, Repair, table
from streams.domain.state import ReasonClass

GPI_REASONS: Final[dict[str, ReasonRow]] = table(
    ReasonClass.UNKNOWN,
    Repair.NONE,
    """
    G000 passed on to a tracked bank
    G001 passed on to a bank that is not tracked: nothing more will be heard
    G002 credit not to be confirmed the same day
    G003 credit waits for documents
    G004 credit waits for cover
    G005 delivered to the payee's bank, tracked
    G006 delivered to the payee's bank, not tracked
    """,
)

NACHA_REASONS: Final[dict[str, ReasonRow]] = {
    **table(
        ReasonClass.BUSINESS,
        Repair.VENDOR_BANK_DATA,
        """
        R02 account closed
        R03 no such account
        R04 account number not valid
        R12 branch sold to another bank
        R13 bank does not take such entries
        R20 account takes no payments
        R28 check digit of the routing number wrong
        C01 account number has changed
        C02 routing number has changed
        C03 routing number and account number have changed
        C04 name has changed
        C05 transaction code has changed
        C06 account number and transaction code have changed
        C07 routing number, account number and transaction code have changed
        C08 foreign bank has changed
        C09 individual id has changed
        C10 company name has changed
        C11 company id has changed
        C12 company name and company id have changed
        C13 addenda in a wrong format
        C14 entry class has changed
        C61 correction refused: misrouted
        C62 correction refused: trace number wrong
        C63 correction refused: company id wrong
        C64 correction refused: individual id wrong
        C65 correction refused: corrected data wrong
        C66 correction refused: discretionary data wrong
        C67 correction refused: routing number not from the original
        C68 correction refused: account number not from the original
        C69 correction refused: transaction code wrong
        """,
    ),
    **table(
        ReasonClass.BUSINESS,
        Repair.FORMAT,
        """
        R17 field cannot be processed
        R18 effective date not proper
        R19 amount field wrong
        R21 company id not valid
        R22 individual id not valid
        R25 addenda wrong
        R26 mandatory field wrong
        R27 trace number wrong
        R35 debit not allowed in this class
        R36 credit not allowed in this class
        R41 transaction code not valid (enrolment)
        R42 routing number wrong (enrolment)
        R43 account number not valid (enrolment)
        R44 individual id not valid (enrolment)
        R45 name not valid (enrolment)
        R46 payee indicator not valid (enrolment)
        R61 return misrouted
        R67 return came twice
        R68 return too late
        R69 field of the return wrong
        R70 return not allowed, or not accepted
        R71 contested return misrouted
        R72 contested return too late
        R73 return was in time
        R74 corrected return
        R75 return was no duplicate
        R76 return had no errors
        R77 return refused: funds not recovered
        R80 cross-border entry coded wrongly
        R81 not a participant of the cross-border programme
        R82 foreign bank identified wrongly
        """,
    ),
    **table(ReasonClass.BUSINESS, Repair.DUPLICATE, "R24 duplicate entry\nR47 duplicate enrolment"),
    **table(
        ReasonClass.BUSINESS,
        Repair.RECALLED,
        """
        R06 returned as our bank asked
        R31 returned late, as agreed with our bank
        R62 returned: the reversal was wrong
        """,
    ),
    **table(
        ReasonClass.BUSINESS,
        Repair.COUNTERPARTY,
        """
        R01 not enough funds (debit)
        R05 not authorised by the consumer (debit)
        R07 authorisation taken back (debit)
        R08 payment stopped (debit)
        R09 funds not collected yet (debit)
        R10 not authorised (debit)
        R11 not as authorised (debit)
        R14 representative payee deceased or unable
        R15 payee or account holder deceased
        R16 account frozen
        R23 credit refused by the payee
        R29 not authorised by the company (debit)
        R30 not a participant of cheque truncation
        R32 bank cannot settle
        R33 returned at the bank's discretion
        R34 bank limited by its supervisor
        R37 source document presented (debit)
        R38 source document stopped (debit)
        R39 source document not proper (debit)
        R40 returned by a federal agency (enrolment)
        R50 state law does not allow it (debit)
        R51 item not eligible (debit)
        R52 item stopped (debit)
        R53 item presented as well (debit)
        R83 foreign bank cannot settle
        R84 not processed by the gateway
        """,
    ),
    **table(
        ReasonClass.COMPLIANCE,
        Repair.COMPLIANCE,
        """
        R85 cross-border payment coded as domestic
        R90 returned for compliance
        """,
    ),
}
