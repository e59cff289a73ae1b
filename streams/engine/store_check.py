"""Looks at a store from outside: who holds it, whether every block of it can be read, how far it says that it is."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rocksdict import AccessType, Options, Rdict, ReadOptions

from streams.engine.store import AS_OF_KEY, CONDEMNED, MARK_PREFIX, Mark
from streams.store_manifest import why_unreadable

#: struct flock of Linux on 64 bits: type, whence, start, length, pid.
_FLOCK: Final = "hhqqi4x"
#: What begins keys that are no rows: marks, the age, due times.
_OF_OURS: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a store holds, and why it cannot be trusted (empty: every block was read and its checksum matched)."""

    rows: int = 0
    marks: dict[str, Mark] = field(default_factory=dict)
    as_of_ms: int | None = None
    damage: str = ""


def holder(folder: Path) -> int | None:
    """The process that has the store open, or None. Only other processes are seen."""
    try:
        with (folder / "LOCK").open("rb+") as lock:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return None
    return None if kind == fcntl.F_UNLCK else int(pid)


def condemned(folder: Path) -> str:
    """Why the store is to be made anew at its next opening; empty if it is not."""
    try:
        return (folder / CONDEMNED).read_text(encoding="utf-8").partition(" ")[2].strip() or "without a reason"
    except FileNotFoundError:
        return ""


def condemn(folder: Path, reason: str) -> None:
    """Have the store made anew at its next opening. Whoever holds it goes on until then."""
    (folder / CONDEMNED).write_text(f"0 {reason}\n", encoding="utf-8")


def examine(folder: Path) -> Examined:
    """Read every row without changing anything. The caller has made sure that nobody writes meanwhile."""
    if why := why_unreadable(folder):
        return Examined(damage=why)
    options = Options(raw_mode=True)
    options.set_paranoid_checks(True)
    try:
        store = Rdict(str(folder), options, access_type=AccessType.read_only())
    except Exception as error:  # noqa: BLE001 -- rocksdict raises Exception itself
        return Examined(damage=str(error))
    try:
        return _read(store)
    except Exception as error:  # noqa: BLE001 -- rocksdict raises Exception itself; a mark may make no sense
        return Examined(damage=str(error))
    finally:
        store.close()


def _read(store: Rdict) -> Examined:
    whole = ReadOptions()
    whole.set_verify_checksums(True)
    cursor, rows, marks, as_of_ms = store.iter(whole), 0, {}, None
    cursor.seek_to_first()
    while cursor.valid():
        key = cursor.key()
        if key.startswith(MARK_PREFIX):
            marks[key[len(MARK_PREFIX) :].decode()] = Mark.decode(cursor.value())
        elif key == AS_OF_KEY:
            as_of_ms = int(cursor.value())
        elif not key.startswith(_OF_OURS):
            rows += 1
        cursor.next()
    cursor.status()
    return Examined(rows, marks, as_of_ms)
