"""Java's default partitioner, so that every producer in the pipeline and every Java client agree where a key lives."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import Final

import confluent_kafka

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 (org.apache.kafka.common.utils.Utils.murmur2), as an unsigned number."""
    length = len(data)
    h = _SEED ^ length
    for k in unpack_from(f"<{length >> 2}I", data):
        k = k * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    tail = length & 3
    if tail:
        h = (h ^ int.from_bytes(data[length - tail :], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def _partition_of(key: bytes, partitions: int) -> int:
    return (murmur2(key) & 0x7FFFFFFF) % partitions


#: The partition that Java's default partitioner gives to a key among so many: the client's own function where it has
#: one (earlier versions have not), because in Python this takes as long as encoding a record.
partition_of: Final[Callable[[bytes, int], int]] = getattr(confluent_kafka, "murmur2", _partition_of)
