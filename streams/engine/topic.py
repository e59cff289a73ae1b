"""A topic as the pipeline knows it: its contract's name, its codec, and where it lives in Kafka."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class Topic(Generic[V]):
    """A contract (`name`), its codec, and the Kafka topic that holds this generation of it (`kafka_name`).

    `keyed`: a record without a key is a dead letter. `tombstones`: a record without a value is handed on with value
    None, else it is a dead letter. `decode` raises whatever it likes; the record then becomes a dead letter.
    """

    name: str
    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]
    kafka_name: str = ""
    keyed: bool = True
    tombstones: bool = False
    ticks: Callable[[V], int] | None = None

    def __post_init__(self) -> None:
        if not self.kafka_name:
            object.__setattr__(self, "kafka_name", self.name)


@dataclass(frozen=True)
class Route:
    """What must be known to send to a topic: checked against the broker when the worker starts."""

    kafka_name: str
    partitions: int
    max_bytes: int
    """The topic's `max.message.bytes`, less the batch framing that the broker counts too."""
