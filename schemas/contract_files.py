"""The files of a topic's contract beside its YAML: the Avro schema, its released versions, and examples."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from schemas.shapes import Schema

_AVSC: Final = ".avsc"


class MissingSchemaError(LookupError):
    """A topic without an Avro schema."""


@dataclass(frozen=True, slots=True)
class Released:
    """A schema as a release had it; ``release`` is the version: ``0.1.0``."""

    contract: str
    release: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Example:
    """A value of a topic in its JSON form (see ``plain``); ``name`` says what it shows."""

    contract: str
    name: str
    document: Any


def load_schema(contract: str) -> Schema:
    """The current schema of a topic's contract, as parsed JSON. Raises MissingSchemaError."""
    path = _avro().joinpath(f"{contract}{_AVSC}")
    if not path.is_file():
        raise MissingSchemaError(f"no Avro schema for topic {contract!r}: expected schemas/avro/{contract}{_AVSC}")
    return json.loads(path.read_text(encoding="utf-8"))


def schema_names() -> list[str]:
    """The contracts that have a schema file, whether or not a topic has that name."""
    return sorted(path.name.removesuffix(_AVSC) for path in _avro().iterdir() if path.name.endswith(_AVSC))


def released_names() -> list[str]:
    """The contracts that have a released schema, whether or not a topic has that name now."""
    return sorted(path.name for path in _folder(_avro().joinpath("released")))


def released(contract: str) -> list[Released]:
    """The released schemas of a topic's contract, oldest first."""
    found = [
        Released(contract, path.name.removesuffix(_AVSC), json.loads(path.read_text(encoding="utf-8")))
        for path in _folder(_avro().joinpath("released", contract))
        if path.name.endswith(_AVSC)
    ]
    return sorted(found, key=lambda row: version_key(row.release))


def schema_as_of(contract: str, release: str) -> Schema | None:
    """The schema that a release wrote a topic in, as parsed JSON; None if it did not know the topic."""
    known = [row for row in released(contract) if version_key(row.release) <= version_key(release)]
    return known[-1].schema if known else None


def examples(contract: str) -> list[Example]:
    """The examples of a topic, by name."""
    return [
        Example(contract, path.name.removesuffix(".json"), json.loads(path.read_text(encoding="utf-8")))
        for path in _folder(files("schemas").joinpath("examples", contract))
        if path.name.endswith(".json")
    ]


def example_names() -> list[str]:
    """The contracts that have a folder of examples, whether or not a topic has that name."""
    return sorted(path.name for path in _folder(files("schemas").joinpath("examples")))


def version_key(release: str) -> tuple[tuple[int, str], ...]:
    """Sorts releases as versions: 0.9.0 before 0.10.0."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[.\-+]", release))


def _avro() -> Traversable:
    return files("schemas").joinpath("avro")


def _folder(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda path: path.name) if folder.is_dir() else []
