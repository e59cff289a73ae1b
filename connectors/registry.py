"""Every connector by the name of its format, loaded when it is first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

from connectors.contract import Connector

#: Packages with a ``CONNECTORS`` tuple, in the order in which they are asked whether a file is theirs.
PACKAGES: Final = (
    "connectors.iso20022",
    "connectors.swift_mt",
    "connectors.bai2",
    "connectors.nacha",
    "connectors.canonical",
    "connectors.gpi",
    "connectors.csv_statements",
)


@cache
def connectors() -> tuple[Connector, ...]:
    """All connectors, in the order of detection."""
    return tuple(connector for package in PACKAGES for connector in import_module(package).CONNECTORS)


@cache
def _by_format() -> dict[str, Connector]:
    return {connector.format: connector for connector in connectors()}


def connector_of(format_name: str) -> Connector | None:
    """The connector of a format, or None if there is none of that name."""
    return _by_format().get(format_name)


def described(head: bytes) -> str | None:
    """What a file seems to be that no connector takes, by the first package that can say it."""
    modules = (import_module(package) for package in PACKAGES)
    descriptions = (module.described(head) for module in modules if hasattr(module, "described"))
    return next((text for text in descriptions if text), None)


def formats() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    return tuple(sorted(_by_format()))
