"""What every connector gives: a reader (bytes to provider-shaped records) and a mapper (record to canonical form).

The reader runs at the edge and interprets nothing; the mapper runs in the normalise agent, so that a corrected
mapping is applied by replaying payments.raw.v1. Neither raises on bad input: errors are values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, Protocol, TypeAlias

from connectors.documents import CanonicalDocument
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

JSON: TypeAlias = "bool | int | str | list[JSON] | dict[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """One thing that a file says, as it says it. ``fields`` is JSON without floats: amounts stay the file's text.

    ``position`` names the place in the file in the format's own terms and is unique in the file
    (``Ntry[2]/TxDtls[1]``, ``line 17``). ``kind`` selects the mapper's branch.
    """

    kind: str
    position: str
    fields: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The last thing a reader yields for a good file: its end was seen and its declared controls agree."""

    format: str
    message_id: str | None
    sender: str | None
    records: int
    declared_count: int | None = None
    declared_sum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last thing a reader yields for a file that must not be used. Nothing before it may be published.

    ``reason`` is a slug (``truncated``, ``doctype_forbidden``, ``count_mismatch``, ``unknown_format`` ...);
    the rest says what to do about it: where, what was expected, what was found.
    """

    reason: str
    where: str
    expected: str
    found: str
    format: str | None = None
    message_id: str | None = None

    @property
    def detail(self) -> str:
        """One sentence for a person."""
        return f"{self.where}: expected {self.expected}, found {self.found}"


ReaderOutput: TypeAlias = "ProviderRecord | FileEnd | Refusal"


@dataclass(frozen=True, slots=True)
class MappingError:
    """One record of an accepted file that could not be mapped: it goes to the dead letters, its neighbours live."""

    position: str
    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class References:
    """The names a bank uses, absent ones None; padding trimmed, NOTPROVIDED and the like dropped."""

    end_to_end_id: str | None = None
    uetr: str | None = None
    instruction_id: str | None = None
    payment_info_id: str | None = None
    message_id: str | None = None
    bank_ref: str | None = None
    trace_number: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Canonical form of what a bank says: design "Output of a reader", plus what only the pipeline needs.

    ``message_id`` in ``references`` is the *original* message's. ``lifecycle`` None: no evidence about an outgoing
    payment. ``amount`` is an exact decimal in major units. ``booked``: an account entry, not a report.
    ``entry_amount`` is what moved on the account where ``amount`` is what was instructed in another currency.
    ``account`` is the whole account number as the file has it: it is hashed before it leaves the normalise agent.
    """

    level: Level
    references: References
    bank_status: str
    lifecycle: Status | None
    flags: tuple[Flag, ...]
    reason_codes: tuple[str, ...]
    reason_text: str | None
    amount: Decimal | None
    currency: str | None
    value_date: str | None
    direction: Direction
    account: str | None
    position: str
    booked: bool = False
    booking_date: str | None = None
    occurred_at: str | None = None
    charges: Decimal | None = None
    charges_currency: str | None = None
    batch_count: int | None = None
    batch_sum: Decimal | None = None
    bank: str | None = None
    source_message_id: str | None = None
    bank_transaction_code: str | None = None
    entry_amount: Decimal | None = None
    entry_currency: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A party as a file names it; ``number`` is an IBAN or another account id."""

    name: str | None
    number: str | None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment instruction of a pain.001 (or alike): what was sent to the bank."""

    references: References
    amount: Decimal
    currency: str
    equivalent_amount: bool
    requested_execution_date: str | None
    debtor: Account
    creditor: Account
    rail: str | None
    invoices: tuple[str, ...]
    remittance_text: str | None
    created_at: str | None
    position: str


Mapped: TypeAlias = "Acknowledgement | Instruction | CanonicalDocument | MappingError"


@dataclass(frozen=True, slots=True)
class BankProfile:
    """What one bank does differently, as data (YAML in connectors/profiles/, validated when loaded).

    ``statuses`` overrides the default meaning of a bank status by ``CODE`` or ``LEVEL:CODE``; ``footing`` says what
    a balance that does not foot means (reject | warn | ignore); ``own_accounts`` tells our side of an entry.
    """

    name: str
    encoding: str | None = None
    footing: str = "reject"
    controls: str = "reject"
    statuses: Mapping[str, Status | None] | None = None
    own_accounts: frozenset[str] = frozenset()
    options: Mapping[str, JSON] | None = None


DEFAULT_PROFILE = BankProfile(name="default")


class Reader(Protocol):
    """Bytes in, provider-shaped records out, in bounded memory; ends with exactly one FileEnd or Refusal."""

    def __call__(self, stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
        """Read ``stream`` once, from where it stands."""


class Mapper(Protocol):
    """One provider-shaped record to its canonical form. Pure: no clock, no I/O."""

    def __call__(self, record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
        """What the record says, in order; nothing if it says nothing of a payment."""


@dataclass(frozen=True, slots=True)
class Connector:
    """One format: how it is recognised from its first bytes, read and mapped."""

    format: str
    sniff: Sniffer
    read: Reader
    map: Mapper


class Sniffer(Protocol):
    """True if the first bytes of a file (up to 64 KiB, no BOM removed) are of this format."""

    def __call__(self, head: bytes) -> bool:
        """Whether ``head`` is of this format."""
