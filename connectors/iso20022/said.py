"""Reading what a provider-shaped record says: by path, trimmed, absent things as None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from connectors.contract import JSON

Said: TypeAlias = "JSON | Mapping[str, JSON]"
"""A record's fields, or a part of them. Mappings are dicts."""


def first(value: Said, *path: str) -> Said:
    """What stands at ``path``; where a name is repeated, its first."""
    for name in path:
        if not isinstance(value, dict):
            value = _first_of(value)
            if not isinstance(value, dict):
                return None
        value = value.get(name)
    return _first_of(value) if value.__class__ is list else value


def _first_of(value: Said) -> Said:
    return value[0] if isinstance(value, list) and value else None


def text(value: Said, *path: str) -> str | None:
    """The trimmed text at ``path``; None where there is none."""
    for name in path:
        if not isinstance(value, dict):
            value = _first_of(value)
            if not isinstance(value, dict):
                return None
        value = value.get(name)
        if value is None:
            return None
    if not isinstance(value, str):
        value = _first_of(value) if isinstance(value, list) else value
        value = value.get("#") if isinstance(value, dict) else value
        if not isinstance(value, str):
            return None
    return value.strip() or None


def attribute(value: Said, name: str) -> str | None:
    """An attribute of an element, trimmed."""
    found = value.get(f"@{name}") if isinstance(value, dict) else None
    return found.strip() or None if isinstance(found, str) else None


def every(value: Said, *path: str) -> list[Said]:
    """All that stand at ``path``: the last name may be repeated, and so may those before it."""
    found: list[Said] = [value]
    for name in path:
        if len(found) == 1:  # most stand once or not at all
            only = found[0].get(name) if isinstance(found[0], dict) else None
            found = [*only] if isinstance(only, list) else [] if only is None else [only]
            continue
        inner = [item.get(name) for item in found if isinstance(item, dict)]
        found = [part for item in inner if item is not None for part in (item if isinstance(item, list) else [item])]
    return found


def texts(value: Said, *path: str) -> list[str]:
    """The trimmed texts of all that stand at ``path``, blank ones left out."""
    return [found for item in every(value, *path) if (found := text(item)) is not None]


def code(value: Said, *path: str) -> str | None:
    """A code: as text (older versions), as ``Cd``, else the bank's own in ``Prtry`` (text, or its ``Id`` or ``Cd``)."""
    found = first(value, *path)
    if not isinstance(found, dict) or "#" in found:
        return text(found)
    return text(found, "Cd") or text(found, "Prtry") or text(found, "Prtry", "Cd") or text(found, "Prtry", "Id")
