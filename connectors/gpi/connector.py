"""Finds the payment transactions in what the tracker answers, whatever envelope they come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from connectors.contract import JSON, BankProfile, Connector, FileEnd, ProviderRecord, ReaderOutput
from connectors.gpi.documents import Document, documents_of
from connectors.gpi.transaction import map_transaction
from connectors.refused import RefusedError

FORMAT: Final = "gpi"
KIND: Final = "transaction"
#: The array of transactions in the answers of "get changed payment transactions" and of gpi for corporates.
_PAGES: Final = ("payment_transaction", "payment_transactions")
#: What a transaction has: its status as a whole, or the nested status of an update (API version 2 and 3).
_STATUS: Final = ("transaction_status", "payment_status")
_TELLTALES: Final = (b'"uetr"', b'"payment_event"', b'"tracker_informing_party"', b'"tracker_event_type"')
_OTHER_JSON: Final = b'"source_event_id"'
_MOST_ENVELOPES: Final = 3
_MOST_NAMES: Final = 8
_BOM: Final = b"\xef\xbb\xbf"


def read(stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """Every payment transaction of a file, in its order."""
    del profile  # the tracker is one and the same for all banks
    records = 0
    try:
        for document in documents_of(stream):
            for position, transaction in _transactions(document):
                records += 1
                yield ProviderRecord(KIND, position, transaction)
    except RefusedError as error:
        yield error.refusal(FORMAT, None)
        return
    yield FileEnd(FORMAT, None, None, records)


def _transactions(document: Document) -> Iterator[tuple[str, dict[str, JSON]]]:
    """The transactions of one document: itself, what its envelope holds, or a page of several."""
    where, value = document.where, document.value
    for _ in range(_MOST_ENVELOPES):
        page = _page(value)
        if page is not None:
            name, items = page
            for index, item in enumerate(items, 1):
                position = f"{where}/{name}[{index}]"
                yield position, _transaction(item, position)
            return
        inner = _enveloped(value)
        if inner is None:
            break
        value = inner
    yield where, _transaction(value, where)


def _page(value: Any) -> tuple[str, list[Any]] | None:
    names = (name for name in _PAGES if isinstance(value, dict) and isinstance(value.get(name), list))
    return next(((name, value[name]) for name in names), None)


def _enveloped(value: Any) -> Any:
    """What an envelope holds: ``{"payment_transaction_details_response": {...}}``. None if it is none."""
    if not isinstance(value, dict) or len(value) != 1 or any(name in value for name in _STATUS):
        return None
    [inner] = value.values()
    return inner if isinstance(inner, dict) else None


def _transaction(value: Any, where: str) -> dict[str, JSON]:
    if isinstance(value, dict) and any(name in value for name in _STATUS):
        return value
    expected = "a payment transaction of the gpi tracker, with uetr and transaction_status"
    raise RefusedError("not_a_transaction", where, expected, _shape(value))


def _shape(value: Any) -> str:
    if not isinstance(value, dict):
        return {list: "an array", str: "a text or number", bool: "true or false"}.get(type(value), "nothing")
    names = sorted(value)
    return f"an object with {', '.join(names[:_MOST_NAMES]) or 'nothing in it'}"


def _is_gpi(head: bytes) -> bool:
    text = head.removeprefix(_BOM).lstrip()
    if text[:1] not in (b"{", b"[") or _OTHER_JSON in text:
        return False
    return b'"transaction_status"' in text and any(telltale in text for telltale in _TELLTALES)


def described(head: bytes) -> str | None:
    """What JSON is that no connector takes: an event of an ERP, somebody's API."""
    text = head.removeprefix(_BOM).lstrip()
    if text[:1] not in (b"{", b"["):
        return None
    return "JSON that is neither an answer of the gpi tracker nor a canonical document of ours"


CONNECTORS: Final[tuple[Connector, ...]] = (Connector(FORMAT, _is_gpi, read, map_transaction),)
