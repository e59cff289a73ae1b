"""What disks and administrators do to the files of a closed store."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Final

#: What RocksDB cannot do without.
_DAMAGED: Final = ("*.sst", "MANIFEST-*", "CURRENT", "OPTIONS-*")


def damage(store: Path, variant: str, chance: random.Random) -> None:
    """Do to a closed store what disks and administrators do."""
    if variant == "delete":
        shutil.rmtree(store)
    else:
        files = [path for pattern in _DAMAGED for path in sorted(store.glob(pattern)) if path.stat().st_size]
        _damage_file(chance.choice(files), variant, chance)


def _damage_file(path: Path, variant: str, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if variant == "delete-file":
        path.unlink()
    elif variant == "truncate":
        path.write_bytes(content[: chance.randrange(len(content))])
    else:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
