"""One format fuzzed by libFuzzer, which atheris tells what Python code an input reaches.

    python -m tests.fuzz.guided FORMAT SECONDS FOLDER

Inputs worth keeping go to FOLDER/corpus, one that breaks a promise to FOLDER/finding-…; then it ends.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from random import Random
from typing import Final

import atheris

with atheris.instrument_imports(include=["connectors"]):
    from connectors.registry import connectors
    from tests.fuzz.findings import failure
    from tests.fuzz.mutations import mutated
    from tests.fuzz.seeds import seeds

LARGEST_INPUT_BYTES: Final = 131_072
_OWN_CHANGES: Final = 0.7
"""Share of the changes that know lines, elements and numbers; libFuzzer makes the others."""
_LIMITS: Final = ("-rss_limit_mb=1024", "-timeout=120")


def fuzz(format_: str, seconds: int, folder: Path) -> None:
    """Until the time is up or something was found. Ends the process, as libFuzzer does."""
    with atheris.instrument_imports(include=["connectors"]):
        connectors()  # loads the readers of all formats
    others = [seed.data for seed in seeds()[format_]]

    def change(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < _OWN_CHANGES:
            return mutated(data, random, others)[:most]
        changed: bytes = atheris.Mutate(data, len(data))
        return changed

    def one(data: bytes) -> None:
        broken = failure(format_, data)
        if broken is not None:
            (folder / f"finding-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
            raise AssertionError(broken)

    options = [f"-max_total_time={seconds}", f"-max_len={LARGEST_INPUT_BYTES}", f"-artifact_prefix={folder}/", *_LIMITS]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
