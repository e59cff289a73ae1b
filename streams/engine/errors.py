"""What can go wrong, sorted by what the engine does about it: a dead letter, another try, or the end of the process."""

from __future__ import annotations


class BadRecord(Exception):  # noqa: N818 - it names the thing at fault, as the field does
    """This record cannot be folded. Its effects are undone and it goes to the dead letters in the same transaction.

    `reason_class` is one word of a closed set (a label of metrics), `message` says what was expected, found, and what
    to do.
    """

    def __init__(self, message: str, reason_class: str = "rejected") -> None:
        super().__init__(message)
        self.reason_class = reason_class


class InfrastructureError(Exception):
    """The store, the memory, the topology or the engine's own use is at fault, not the record: the process ends."""


class ConfigurationError(InfrastructureError):
    """Topics or settings do not fit together. The message lists every problem found and what to do about each."""


class UndeclaredTopic(InfrastructureError):  # noqa: N818 - it names the thing at fault
    """A handler sent to a topic that the app did not declare with `app.outputs`."""


class StoreError(InfrastructureError):
    """RocksDB failed or holds something impossible."""


class StoreBusy(StoreError):  # noqa: N818 - it names the state
    """Another process holds the store's lock."""


class LostInput(InfrastructureError):  # noqa: N818 - it names the thing at fault
    """Retention deleted input records before this group read them: going on would lose them without a trace."""


class BreakerOpen(InfrastructureError):  # noqa: N818 - it names the state
    """Too large a share of records went to the dead letters: a bad release must not drain a topic."""


class TransactionAborted(Exception):  # noqa: N818 - it names what happened
    """The transaction did not happen. Records are still buffered and are folded again."""


class ClientLost(InfrastructureError):  # noqa: N818 - it names what happened
    """A Kafka client has had no answer for long while another was answered: a new process has new clients."""


class ProducerFenced(InfrastructureError):  # noqa: N818 - it names what happened
    """The producer can do nothing any more (fenced or fatal). Whether the last commit happened only Kafka knows."""


class RestoreCancelled(Exception):  # noqa: N818 - it names what happened
    """The partition was revoked while its store was restored."""


#: Raised through a handler's savepoint instead of becoming a dead letter: the record is not at fault.
INFRASTRUCTURE: tuple[type[BaseException], ...] = (InfrastructureError, MemoryError, OSError)
