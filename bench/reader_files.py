"""Bank files of any size, made piece by piece: valid to their last control, never whole in memory or on a disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

PER_BLOCK: Final = 1_000
"""Transactions in one of the pieces that a file is repeated from."""
_ACCOUNT: Final = "CH2909000000250094239"
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd"
_NACHA_WIDTH: Final = 94
_NACHA_BLOCKING: Final = 10


@dataclass(frozen=True, slots=True)
class BankFile:
    """A kind of file. ``pieces(blocks)`` gives its bytes with so many times ``PER_BLOCK`` transactions in it."""

    format: str
    pieces: Callable[[int], Iterator[bytes]]
    lines_per_block: int = 0

    def block_bytes(self) -> int:
        """What one more block adds."""
        return sum(map(len, self.pieces(2))) - sum(map(len, self.pieces(1)))


def _xml(format_: str, head: str, block: bytes, tail: str) -> Callable[[int], Iterator[bytes]]:
    begin = f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}:{format_}">{head}'.encode()

    def pieces(blocks: int) -> Iterator[bytes]:
        yield begin
        for _ in range(blocks):
            yield block
        yield f"{tail}</Document>\n".encode()

    return pieces


def _block(transaction: Callable[[int], str]) -> bytes:
    return "".join(map(transaction, range(PER_BLOCK))).encode()


def _header(inside: str = "") -> str:
    return f"<GrpHdr><MsgId>MSG-1</MsgId><CreDtTm>2026-11-24T10:00:00+01:00</CreDtTm>{inside}</GrpHdr>"


def _entry(number: int) -> str:
    """A booked transfer with its details, as most banks write them: 36 elements."""
    return (
        f'\n<Ntry><NtryRef>{number}</NtryRef><Amt Ccy="CHF">{number % 977}.{number % 89:02}</Amt>'
        "<CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt><ValDt><Dt>2026-11-24</Dt></ValDt>"
        f"<AcctSvcrRef>BANK{number:012}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd>"
        "<SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><MsgId>RUN-2026-11-23</MsgId>"
        f"<PmtInfId>BATCH-1</PmtInfId><InstrId>I-{number:09}</InstrId><EndToEndId>PAY-{number:09}</EndToEndId></Refs>"
        f'<Amt Ccy="CHF">{number % 977}.{number % 89:02}</Amt><RltdPties><Cdtr><Nm>Müller &amp; Söhne AG</Nm></Cdtr>'
        f"<CdtrAcct><Id><IBAN>{_ACCOUNT}</IBAN></Id></CdtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>Invoice {number}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _instruction(number: int) -> str:
    return (
        f"\n<CdtTrfTxInf><PmtId><InstrId>I-{number:09}</InstrId><EndToEndId>PAY-{number:09}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="CHF">{number % 977 + 1}.{number % 89:02}</InstdAmt></Amt><CdtrAgt><FinInstnId>'
        "<BICFI>POFICHBEXXX</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Müller &amp; Söhne AG</Nm></Cdtr>"
        f"<CdtrAcct><Id><IBAN>{_ACCOUNT}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>Invoice {number}</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def _status(number: int) -> str:
    return (
        f"\n<TxInfAndSts><StsId>S-{number:09}</StsId><OrgnlInstrId>I-{number:09}</OrgnlInstrId>"
        f"<OrgnlEndToEndId>PAY-{number:09}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn>"
        f'<AddtlInf>Account unknown</AddtlInf></StsRsnInf><OrgnlTxRef><Amt><InstdAmt Ccy="CHF">{number % 977 + 1}.00'
        "</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>"
    )


def _statement() -> BankFile:
    head = f"<BkToCstmrStmt>{_header()}<Stmt><Id>S1</Id><Acct><Id><IBAN>{_ACCOUNT}</IBAN></Id></Acct>"
    return BankFile("camt.053", _xml("camt.053.001.08", head, _block(_entry), "</Stmt></BkToCstmrStmt>"))


def _initiation() -> BankFile:
    debtor = (
        f"<Dbtr><Nm>We</Nm></Dbtr><DbtrAcct><Id><IBAN>{_ACCOUNT}</IBAN></Id></DbtrAcct>"
        "<DbtrAgt><FinInstnId><BICFI>POFICHBEXXX</BICFI></FinInstnId></DbtrAgt>"
    )
    head = f"<CstmrCdtTrfInitn>{_header()}<PmtInf><PmtInfId>BATCH-1</PmtInfId>{debtor}"
    return BankFile("pain.001", _xml("pain.001.001.09", head, _block(_instruction), "</PmtInf></CstmrCdtTrfInitn>"))


def _customer_report() -> BankFile:
    group = "<OrgnlGrpInfAndSts><OrgnlMsgId>RUN-1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId></OrgnlGrpInfAndSts>"
    head = f"<CstmrPmtStsRpt>{_header()}{group}<OrgnlPmtInfAndSts><OrgnlPmtInfId>BATCH-1</OrgnlPmtInfId>"
    tail = "</OrgnlPmtInfAndSts></CstmrPmtStsRpt>"
    return BankFile("pain.002", _xml("pain.002.001.10", head, _block(_status), tail))


def _nacha_return(number: int) -> str:
    """A return and its addenda."""
    cents, trace = number % 97_700 + 1, f"0910000{number:08}"
    receiver = f"626091400606{number:<17}{cents:010}{f'PAY-{number:09}':<15}{'Jones':<22}  1{trace}"
    return f"{receiver}\n{f'799R01{trace}      09140060':<79}{trace}\n"


def _nacha(blocks: int) -> Iterator[bytes]:
    """One batch a block, each with its control; the file's control counts and fills the last block of ten."""
    yield b"101 091400606 6910001341810170306A094101FIRST BANK             PAYER                          \n"
    entries = "".join(map(_nacha_return, range(PER_BLOCK))).encode()
    cents = sum(number % 97_700 + 1 for number in range(PER_BLOCK))
    hash_ = PER_BLOCK * 9_140_060
    for batch in range(1, blocks + 1):
        header = f"5200{'PAYER':<36}{'123456789':<10}CCD{'VENDORPAY':<10}{'':6}261123   109100001{batch:07}"
        totals = f"{2 * PER_BLOCK:06}{hash_ % 10**10:010}{cents:012}{0:012}"
        control = f"8200{totals}{'123456789':<10}{'':25}09100001{batch:07}"
        yield f"{header}\n".encode() + entries + f"{control}\n".encode()
    records = 2 + blocks * (2 + 2 * PER_BLOCK)
    full = -(-records // _NACHA_BLOCKING)
    totals = f"{2 * PER_BLOCK * blocks:08}{hash_ * blocks % 10**10:010}{cents * blocks:012}{0:012}"
    yield f"{f'9{blocks:06}{full:06}{totals}':<{_NACHA_WIDTH}}\n".encode()
    yield (b"9" * _NACHA_WIDTH + b"\n") * (full * _NACHA_BLOCKING - records)


def _bai2_transaction(number: int) -> str:
    """A debit with a line of text."""
    return f"16,475,{number % 97_700 + 1},Z,BANK{number:09},PAY-{number:09},VENDOR PAYMENT\n88,INVOICE {number}\n"


def _bai2(blocks: int) -> Iterator[bytes]:
    """One account a block."""
    yield b"01,BANKUS33,PAYER,261124,0600,1,,,2/\n02,PAYER,BANKUS33,1,261123,,USD,2/\n"
    transactions = "".join(map(_bai2_transaction, range(PER_BLOCK))).encode()
    total = sum(number % 97_700 + 1 for number in range(PER_BLOCK)) + 500
    lines = 2 + 2 * PER_BLOCK
    for account in range(blocks):
        yield f"03,{account:09},USD,015,500,,/\n".encode() + transactions + f"49,{total},{lines}/\n".encode()
    yield f"98,{total * blocks},{blocks},{lines * blocks + 2}/\n".encode()
    yield f"99,{total * blocks},1,{lines * blocks + 4}/\n".encode()


STATEMENT: Final = _statement()
FILES: Final = (
    STATEMENT,
    _initiation(),
    _customer_report(),
    BankFile("nacha", _nacha, 2 * PER_BLOCK + 2),
    BankFile("bai2", _bai2, 2 * PER_BLOCK + 2),
)
