"""What fuzzing starts from: the committed samples, and for formats that have none the files of ``corpus/``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from connectors.contract import DEFAULT_PROFILE, BankProfile, Connector
from connectors.detect import HEAD_BYTES, detect
from connectors.formats import InstalledFormats
from connectors.registry import formats
from tests.connectors.files import SAMPLES

HERE: Final = Path(__file__).parent
CORPUS: Final = HERE / "corpus"
REGRESSIONS: Final = HERE / "regressions"
LARGEST_BYTES: Final = 16_384
"""Larger seeds say nothing more and make every input slow."""
#: Formats that say nothing without a profile: an input is read with each of these.
_PROFILES: Final = {"csv": ("csv-musterbank", "csv-us-online")}


@dataclass(frozen=True, slots=True)
class Seed:
    """A file of a format."""

    format: str
    name: str
    data: bytes


@cache
def profiles_of(format_: str) -> tuple[BankProfile, ...]:
    """The profiles that inputs of a format are read with."""
    installed = InstalledFormats()
    found = [installed.profile(name) for name in _PROFILES.get(format_, (DEFAULT_PROFILE.name,))]
    return tuple(profile for profile in found if isinstance(profile, BankProfile))


@cache
def seeds() -> dict[str, tuple[Seed, ...]]:
    """By format. Files of the samples that no connector knows are no seeds."""
    found: dict[str, list[Seed]] = {format_: [] for format_ in formats()}
    for path in sorted(path for folder in (SAMPLES, CORPUS) for path in folder.glob("*/*") if path.is_file()):
        data = path.read_bytes()
        connector = detect(data[:HEAD_BYTES])
        if isinstance(connector, Connector) and len(data) <= LARGEST_BYTES:
            found[connector.format].append(Seed(connector.format, f"{path.parent.name}/{path.name}", data))
    return {format_: tuple(of_it) for format_, of_it in found.items()}


def regressions() -> list[Path]:
    """What fuzzing has found: files in a folder of their format's name."""
    return sorted(path for path in REGRESSIONS.glob("*/*") if path.is_file())
