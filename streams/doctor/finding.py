"""What one check found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """OK; WARN: works, but will hurt; FAIL: does not work; SKIP: cannot be told, because something before it fails."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: ``name`` of the check, ``found`` what is, ``advice`` what to do (empty when all is well)."""

    name: str
    level: Level
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Level.OK, found)


def warn(name: str, found: str, advice: str) -> Finding:
    """It works, but will hurt."""
    return Finding(name, Level.WARN, found, advice)


def fail(name: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(name, Level.FAIL, found, advice)


def skip(name: str, why: str) -> Finding:
    """It cannot be told."""
    return Finding(name, Level.SKIP, why)
