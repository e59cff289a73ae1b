"""Which elements of each message hold records and which are records: the reader's only knowledge of a message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """An element that is a record, holds records, or both.

    ``kind`` names the record that it makes (None: none). ``only_alone``: it makes one only if nothing within it did.
    ``numbered``: it stands in the positions of the records. ``holds``: its records wait for its end, up to a bound,
    because what follows them speaks of them too; ``counts``: they are told how many they are. ``kept``: what it says
    belongs to every later record of its parent.
    ``left_out``: fields of its own that its records do not repeat.
    """

    name: str
    kind: str | None = None
    only_alone: bool = False
    numbered: bool = True
    holds: bool = False
    counts: bool = False
    kept: bool = False
    left_out: frozenset[str] = frozenset()
    parts: tuple[Part, ...] = ()


def all_parts(part: Part) -> tuple[Part, ...]:
    """A part and all parts within it."""
    return (part, *(deeper for inner in part.parts for deeper in all_parts(inner)))


INITIATION = Part(
    "CstmrCdtTrfInitn",
    numbered=False,
    parts=(Part("PmtInf", holds=True, parts=(Part("CdtTrfTxInf", kind="instruction"),)),),
)

#: Up to version 02 transactions stand beside the group, not in a batch.
CUSTOMER_REPORT = Part(
    "CstmrPmtStsRpt",
    numbered=False,
    parts=(
        Part("OrgnlGrpInfAndSts", kind="group", kept=True),
        Part("OrgnlPmtInfAndSts", kind="batch", holds=True, parts=(Part("TxInfAndSts", kind="transaction"),)),
        Part("TxInfAndSts", kind="transaction"),
    ),
)


def _entries(message: str, container: str) -> Part:
    """camt.052, 053 and 054 differ in the names of two elements."""
    details = Part(
        "NtryDtls", kind="batch", only_alone=True, numbered=False, parts=(Part("TxDtls", kind="transaction"),)
    )
    entry = Part("Ntry", kind="entry", only_alone=True, holds=True, counts=True, parts=(details,))
    account = Part(container, numbered=False, left_out=frozenset({"TxsSummry", "Bal"}), parts=(entry,))
    return Part(message, numbered=False, parts=(account,))


NOTIFICATION = _entries("BkToCstmrDbtCdtNtfctn", "Ntfctn")
STATEMENT = _entries("BkToCstmrStmt", "Stmt")
ACCOUNT_REPORT = _entries("BkToCstmrAcctRpt", "Rpt")

INTERBANK_REPORT = Part(
    "FIToFIPmtStsRpt",
    numbered=False,
    parts=(Part("OrgnlGrpInfAndSts", kind="group", kept=True), Part("TxInfAndSts", kind="transaction")),
)

RETURN = Part(
    "PmtRtr",
    numbered=False,
    parts=(Part("OrgnlGrpInf", kind="group", kept=True), Part("TxInf", kind="transaction")),
)

#: The answer to a recall: for the whole case, or for what is listed in it.
RECALL_ANSWER = Part(
    "RsltnOfInvstgtn",
    kind="case",
    only_alone=True,
    numbered=False,
    parts=(
        Part(
            "CxlDtls",
            numbered=False,
            parts=(
                Part("OrgnlGrpInfAndSts", kind="group", kept=True),
                Part("OrgnlPmtInfAndSts", kind="batch", holds=True, parts=(Part("TxInfAndSts", kind="transaction"),)),
                Part("TxInfAndSts", kind="transaction"),
            ),
        ),
    ),
)

RECALL = Part(
    "FIToFIPmtCxlReq",
    numbered=False,
    parts=(
        Part(
            "Undrlyg",
            numbered=False,
            parts=(Part("OrgnlGrpInfAndCxl", kind="group", kept=True), Part("TxInf", kind="transaction")),
        ),
    ),
)
