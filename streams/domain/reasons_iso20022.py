"""Reason codes of ISO 20022 that a payment may meet: external status, return, cancellation and their refusals.

Codes: ExternalStatusReason1Code (pain.002, pacs.002, EBICS HAC), ExternalReturnReason1Code (pacs.004, camt.05x),
ExternalCancellationReason1Code (camt.056), ExternalPaymentCancellationRejection1Code (camt.029). Where the sets give
one code two meanings (AC14, AC16, BE08, DT02), the label has both. Request-to-pay and token codes are left out.
"""

from __future__ import annotations

from typing import Final

from streams.domain.reason_rows import ReasonRow, Repair, table
from streams.domain.state import ReasonClass

_TRANSPORT: Final = table(
    ReasonClass.TRANSPORT,
    Repair.NONE,
    """
    TA01 transmission of the file was broken off
    DS18 signature check broke down: send the whole order again
    DS24 order was never completed in time
    ID01 signature came, its file did not
    """,
)
_TRANSIENT: Final = table(
    ReasonClass.TRANSIENT,
    Repair.NONE,
    """
    AB01 clearing stopped by a time-out
    AB02 clearing stopped by an error
    AB03 settlement stopped by a time-out
    AB04 settlement stopped by an error
    AB05 time-out at the payee's bank
    AB06 time-out at the instructed bank
    AB07 a bank was not online
    AB08 payee's bank was not online
    AB09 error at the payee's bank
    AB10 error at the instructed bank
    AB11 time-out at the payer's bank
    AG10 a bank is suspended from the payment system
    AG11 payee's bank is suspended from the payment system
    ED05 settlement failed
    ED06 settlement system not available
    FF10 technical trouble at the bank
    FF11 clearing request was stopped by an abort
    TECH technical trouble made it wrong
    DS28 sent to the wrong environment, or undone after technical trouble
    """,
)
_DATES: Final = {
    **table(
        ReasonClass.TRANSIENT,
        Repair.DATES,
        """
        TM01 came after the cut-off time
        DT05 came after the cut-off date
        CUTA cancelled after the cut-off, or not cancelled because of it
        """,
    ),
    **table(
        ReasonClass.BUSINESS,
        Repair.DATES,
        """
        CH03 execution date too far ahead
        CH04 execution date too far back
        DT01 date not valid
        DT02 creation date not valid, or a cheque that ran out
        DT03 no banking day
        DT04 date in the future not taken; some banks: sent before
        DT06 execution date was moved
        EDNA execution date not accepted
        BDAY settlement day is not the calendar day
        EOL1 authorisation ran out
        """,
    ),
}
_VENDOR_BANK_DATA: Final = table(
    ReasonClass.BUSINESS,
    Repair.VENDOR_BANK_DATA,
    """
    AC01 account number wrong or missing
    AC03 payee's account number wrong or missing
    AC04 account closed
    AC06 account blocked
    AC07 payee's account closed
    AC08 branch code wrong or missing
    AC09 currency of the account wrong or missing
    AC11 currency of the payee's account wrong or missing
    AC12 type of account wrong or missing
    AC14 type of the payee's account wrong, or a bank on the way not valid
    AC15 account details have changed
    AC16 card number wrong, or account under sequestration
    AC17 account in liquidation
    AG04 country of the bank wrong or missing
    AG06 country of the payee's bank wrong or missing
    AGNT a bank on the way is wrong
    BE01 name and account do not belong together
    BE04 payee's address wrong or missing
    BE06 payee not known at that bank
    BE09 country wrong or missing
    BE11 payee's country wrong or missing
    BE12 country of residence wrong or missing
    BE14 payee's country of residence wrong or missing
    BE15 identification wrong or missing
    BE17 payee's identification wrong or missing
    BE18 contact details wrong or missing
    BE21 name wrong or missing
    BE22 payee's name missing
    BE23 phone number or address that stands for the account is not known
    CNOR payee's bank cannot be reached under this BIC
    ED01 no correspondent bank
    RC01 bank identifier in a wrong format
    RC02 bank identifier wrong or missing
    RC04 payee's bank identifier wrong or missing
    RC05 BIC wrong or missing
    RC07 payee's BIC wrong or missing
    RC08 clearing member wrong or missing
    RC10 payee's clearing member wrong or missing
    RC11 intermediary bank wrong or missing
    UCRD payee not known
    """,
)
_FORMAT: Final = table(
    ReasonClass.BUSINESS,
    Repair.FORMAT,
    """
    AM01 amount is zero
    AM10 amounts do not add up to the control sum
    AM11 currency wrong or missing
    AM12 amount wrong or missing
    AM16 control sum of the message wrong
    AM17 control sum of the batch wrong
    AM18 number of transactions wrong or missing
    AM19 number of transactions of the message wrong or missing
    AM20 number of transactions of the batch wrong or missing
    AM22 amount of zero cannot be booked
    AMSE attachment too large
    AG02 operation code not valid for the receiver
    BE07 payer's address wrong or missing
    BE08 payer's name missing, or returned for an error of a bank
    BE10 payer's country wrong or missing
    BE13 payer's country of residence wrong or missing
    BE16 payer's identification wrong or missing
    BE19 charge bearer not valid
    BE20 name too long
    CERI carries extended remittance information without saying so
    CH07 element not allowed at two levels at once
    CH11 identifier of the creditor wrong
    CH12 identifier of the creditor ambiguous
    CH15 structured remittance information too long
    CH16 content wrong
    CH17 element not allowed
    CH19 date will be moved to the next settlement day
    CH20 too many decimals for the currency
    CH21 mandatory element missing
    CH22 two schemes in one message
    CHCO charge type not accepted
    CHRG charge bearer was not the payer
    ERIN extended remittance information not taken
    FF01 file incomplete or not valid
    FF02 syntax error, told in words
    FF03 payment type wrong or missing
    FF04 service level wrong or missing
    FF05 local instrument wrong or missing
    FF06 category purpose wrong or missing
    FF07 purpose wrong or missing
    FF08 end-to-end id wrong or missing
    FF09 cheque number wrong or missing
    FF12 in this status it cannot be returned
    FF13 no request for cancellation found
    INDT details not valid for this field
    MINF field empty
    NERI says it carries extended remittance information and does not
    RC12 identifier of the scheme wrong or missing
    RCON contradicts another message about the same payment
    RR07 remittance information not as the payment type wants it
    RR08 remittance information was cut off
    RR09 structured reference of the payee wrong or missing
    RR10 characters not allowed
    RR11 bank service identified wrongly or not at all
    RR12 identification that the country wants is wrong or missing
    TD01 nothing to fetch
    TD02 file cannot be read
    TD03 file incomplete or not valid
    """,
)
_FUNDS: Final = table(
    ReasonClass.BUSINESS,
    Repair.FUNDS,
    """
    AC02 our account number wrong or missing
    AC05 our account closed
    AC10 currency of our account wrong or missing
    AC13 type of our account wrong or missing
    AG07 our account cannot be debited
    AM02 amount above the maximum
    AM03 currency cannot be processed
    AM04 not enough funds
    AM06 amount below the minimum
    AM09 not the amount that was agreed
    AM13 above the limit of the clearing system
    AM14 above the limit agreed with the bank
    AM15 below the minimum of the clearing system
    AM21 above the limit agreed with the bank
    AM23 above the settlement limit
    COVR cover never came
    CURR wrong currency
    DC02 cover settlement never came
    DC04 cover returned: its payment never came
    SL13 too many debits in the period
    SL14 debit above the agreed maximum
    SL15 too many credits in the period
    SL16 credits above the agreed total
    """,
)
_DUPLICATE: Final = table(
    ReasonClass.BUSINESS,
    Repair.DUPLICATE,
    """
    AB12 batch sequence came twice
    AM05 came twice
    DU01 message id used before
    DU02 batch id used before
    DU03 transaction came twice
    DU04 end-to-end id used before
    DU05 instruction id used before
    DUPL copy of another payment
    DS15 same signature sent before
    RF01 reference not unique in the message
    """,
)
_RECALLED: Final = table(
    ReasonClass.BUSINESS,
    Repair.RECALLED,
    """
    AG09 original payment never received
    AG13 a return cannot be returned
    ARDT returned already
    CN01 authorisation was cancelled
    CUST asked for, or refused, by the customer
    DS02 order cancelled by one of us
    DS03 cancelling the order did not work
    FOCR returned as asked
    IDMN refused until an indemnity is agreed
    INDM cancellation with an indemnity
    MD06 money asked back by the customer
    NOAS payee does not answer
    NOOR original payment never received
    PTNA passed on to the next bank
    ADAC payee has not allowed the debit yet
    ARPL payee has not answered yet
    RUTA returned after an investigation
    SYAD settled before it could be cancelled
    """,
)
_COUNTERPARTY: Final = table(
    ReasonClass.BUSINESS,
    Repair.COUNTERPARTY,
    """
    AG01 this account may not take such payments
    AG03 transaction type not supported on this account
    BE05 payee does not know who pays
    CNPC cash not picked up
    DNOR payer's bank cannot be reached under this BIC
    ED03 balance of payments details wanted
    INAR activation reference of the payer not valid
    MD01 no mandate
    MD02 details of the mandate missing
    MD05 should not have been collected
    MD07 payee deceased
    SL01 because of a service of the payer's bank
    SL02 because of a service of the payee's bank
    SL03 because of a service of the clearing system
    SL11 not on the payer's list of allowed payees
    SL12 on the payer's list of blocked payees
    SL17 not on the payee's list of allowed payers
    SL18 on the payee's list of blocked payers
    SNRD service not rendered yet
    SP01 stopped by the holder of the account
    SP02 stopped before by a stop advice
    SVNR service or goods not delivered
    UPAY payment not justified
    """,
)
_ACCESS: Final = table(
    ReasonClass.BUSINESS,
    Repair.ACCESS,
    """
    AG05 country of our bank wrong or missing
    AG08 user or access right missing
    AG12 transfers inside one bank not allowed
    DS04 order refused for its content
    DS08 file could not be unpacked
    DS09 file could not be decrypted
    DS0A signature missing
    DS0B signature not valid or in a wrong format
    DS0C signer's certificate revoked
    DS0D signer's certificate not valid
    DS0E signer's certificate missing
    DS0F issuer of the signer's certificate not known
    DS0G signer may not sign this kind of order
    DS0H signer may not sign for this account
    DS0K signer has signed more than allowed
    DS10 first signer's certificate revoked
    DS11 first signer's certificate not valid
    DS12 first signer's certificate missing
    DS13 issuer of the first signer's certificate not known
    DS14 user not known
    DS16 public key of an old version
    DS17 order and signatures do not match
    DS19 signer's rights do not suffice
    DS20 second signer's certificate revoked
    DS21 second signer's certificate not valid
    DS22 second signer's certificate missing
    DS23 issuer of the second signer's certificate not known
    DS25 order deleted by the bank
    DS26 same user signed more than once
    DS27 user not activated yet
    RC03 our bank identifier wrong or missing
    RC06 our bank's BIC wrong or missing
    RC09 our bank's clearing member wrong or missing
    RC13 originator not active any more
    RC15 settlement agreement wanted
    """,
)
_COMPLIANCE: Final = table(
    ReasonClass.COMPLIANCE,
    Repair.COMPLIANCE,
    """
    AM07 amount blocked by an authority
    FR01 returned as fraud
    FRAD said to be fraud
    LEGL refused for legal reasons
    NOCM account does not meet regulation
    RC16 participant blocked
    RR01 payer's account or identification missing for the regulator
    RR02 payer's name or address missing for the regulator
    RR03 payee's name or address missing for the regulator
    RR04 regulatory reason
    RR05 regulatory reporting missing or wrong
    RR06 tax information missing or wrong
    """,
)
_UNKNOWN: Final = table(
    ReasonClass.UNKNOWN,
    Repair.NONE,
    """
    CHQC cheque cleared and settled
    DS01 signatures correct
    DS05 order correct, passed on
    DS06 order waits for further signatures at the bank
    DS07 order done
    MS02 payee gives no reason
    MS03 bank gives no reason
    NARR told in words only
    S000 request for cancellation acknowledged
    S001 request for cancellation matched to the payment
    S002 payment stopped in the network
    S003 request for cancellation passed on
    S004 request for cancellation delivered
    TS01 transmission done
    TS04 order waits for a note signed by hand
    """,
)

ISO20022_REASONS: Final[dict[str, ReasonRow]] = {
    **_TRANSPORT,
    **_TRANSIENT,
    **_DATES,
    **_VENDOR_BANK_DATA,
    **_FORMAT,
    **_FUNDS,
    **_DUPLICATE,
    **_RECALLED,
    **_COUNTERPARTY,
    **_ACCESS,
    **_COMPLIANCE,
    **_UNKNOWN,
}
