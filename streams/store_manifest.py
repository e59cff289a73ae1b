"""Reads the frames of RocksDB's index of a store, its MANIFEST, before RocksDB does.

RocksDB checks every record of it by checksum, but some damaged headers send it round and round for ever while it holds
the interpreter's lock: no watchdog could end the process (tests/engine/test_store_damage.py). What its writer never
writes is refused here.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 32 * 1024
#: Masked CRC-32C, length, type: rocksdb/db/log_format.h.
_HEADER: Final = struct.Struct("<IHB")
_PADDING, _FULL, _FIRST, _MIDDLE, _LAST = range(5)
#: What may follow a record of each type.
_NEXT: Final = {
    _FULL: (_FULL, _FIRST),
    _LAST: (_FULL, _FIRST),
    _FIRST: (_MIDDLE, _LAST),
    _MIDDLE: (_MIDDLE, _LAST),
}


def why_unreadable(folder: Path) -> str:
    """What is wrong with the frames of the MANIFEST that CURRENT names; empty if they are sound, or there is none."""
    try:
        name = (folder / "CURRENT").read_text("ascii").strip()
        data = (folder / name).read_bytes() if name.startswith("MANIFEST-") and "/" not in name else b""
    except (OSError, ValueError):
        return ""  # RocksDB says it better
    try:
        _walk(data)
    except ValueError as error:
        return f"{name} is damaged: {error}"
    return ""


def _walk(data: bytes) -> None:
    allowed, at = _NEXT[_LAST], 0
    while at + _HEADER.size <= len(data):
        left = _BLOCK_BYTES - at % _BLOCK_BYTES
        if left < _HEADER.size:  # too little of the block for a header: padded with zeros
            at += left
            continue
        _, length, kind = _HEADER.unpack_from(data, at)
        if kind == _PADDING and not any(data[at:]):
            return  # room that was reserved and not used
        if kind not in allowed:
            raise ValueError(f"a record of type {kind} at byte {at}, expected one of {', '.join(map(str, allowed))}")
        if length > left - _HEADER.size:
            raise ValueError(f"the record at byte {at} is {length} bytes long, its block has {left - _HEADER.size}")
        allowed, at = _NEXT[kind], at + _HEADER.size + length
