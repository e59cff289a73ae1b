"""From the names that people write to references: usable ones only, in a scope where a name is not global, best first.

Names that the bank makes itself find nobody and are left out of what an acknowledgement is looked up by (contracts.md,
"Correlation"); a fact about one transaction never names a group.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.contract import References
from connectors.documents import Names
from streams.domain.construction import quick
from streams.domain.facts import InvoiceAllocation, Level, Reference, ReferenceKind
from streams.domain.identity import stable_id
from streams.domain.reference_kinds import usable_name

_K = ReferenceKind
_reference = quick(Reference)


class Naming:
    """Makes references. ``min_length``: shorter names name nothing (policy)."""

    def __init__(self, min_length: int) -> None:
        self._min_length = min_length

    def of_acknowledgement(self, level: Level, names: References) -> tuple[Reference, ...]:
        """What a bank's word is looked up by: the unique names of a transaction, else the one name of its group."""
        if level is Level.BATCH:
            return self._kept(((_K.PAYMENT_INFO_ID, names.payment_info_id), (_K.MESSAGE_ID, names.message_id)))[:1]
        if level is Level.GROUP:
            return self._kept(((_K.MESSAGE_ID, names.message_id),))
        return self._kept(
            (
                (_K.UETR, _lower(names.uetr)),
                (_K.END_TO_END_ID, names.end_to_end_id),
                (_K.INSTRUCTION_ID, names.instruction_id),
                (_K.TRACE_NUMBER, names.trace_number),
            )
        )

    def of_instruction(self, names: References, invoices: Iterable[InvoiceAllocation]) -> tuple[Reference, ...]:
        """What a payment goes by that was handed to the bank in a file."""
        return self._kept(
            (
                (_K.UETR, _lower(names.uetr)),
                (_K.END_TO_END_ID, names.end_to_end_id),
                (_K.INSTRUCTION_ID, names.instruction_id),
                (_K.TRACE_NUMBER, names.trace_number),
                *((_K.INVOICE, invoice.key) for invoice in invoices),
                (_K.PAYMENT_INFO_ID, names.payment_info_id),
                (_K.MESSAGE_ID, names.message_id),
            )
        )

    def of_release(
        self,
        names: Names,
        bank: str | None,
        document_scope: str,
        groups: tuple[str | None, str | None],
        invoices: Iterable[InvoiceAllocation],
    ) -> tuple[Reference, ...]:
        """What a payment goes by in the ERP. ``groups``: file id and run id."""
        bank_ref = self.usable(names.bank_ref)
        document = self.usable(names.document_number)
        file_id, run_id = groups
        return self._kept(
            (
                (_K.UETR, _lower(names.uetr)),
                (_K.END_TO_END_ID, names.end_to_end_id),
                (_K.INSTRUCTION_ID, names.instruction_id),
                (_K.TRACE_NUMBER, names.trace_number),
                (_K.BANK_REF, f"{bank}/{bank_ref}" if bank and bank_ref else None),
                (_K.DOCUMENT_NUMBER, f"{document_scope}/{document}" if document else None),
                *((_K.INVOICE, invoice.key) for invoice in invoices),
                (_K.PAYMENT_INFO_ID, names.payment_info_id),
                (_K.MESSAGE_ID, names.message_id),
                (_K.FILE_ID, file_id),
                (_K.RUN_ID, run_id),
            )
        )

    def shared(self, kind: ReferenceKind, value: str | None) -> tuple[Reference, ...]:
        """One shared name, or none if it names nothing."""
        return self._kept(((kind, value),))

    def usable(self, value: str | None) -> str | None:
        """The name without padding; None if it names nothing."""
        return usable_name(value, self._min_length)

    def _kept(self, names: Iterable[tuple[ReferenceKind, str | None]]) -> tuple[Reference, ...]:
        kept: dict[Reference, None] = {}
        for kind, value in names:
            usable = usable_name(value, self._min_length) if value is not None else None
            if usable is not None:
                kept[_reference(kind, usable)] = None
        return tuple(kept)


def _lower(uetr: str | None) -> str | None:
    """A UETR is a UUID (RFC 4122): upper and lower case are one."""
    return None if uetr is None else uetr.lower()


def payment_by_document(source_system: str, company_code: str | None, document_number: str) -> str:
    """The correlation id of a payment whose source gives it none (contracts.md, "Correlation")."""
    return stable_id("payment", source_system, company_code or "", document_number)
