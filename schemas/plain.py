"""The plain form of a value: what fastavro and JSON want instead of dataclasses, enums and tuples.

In JSON, bytes are a text of one character a byte (ISO 8859-1), as in Avro's own JSON encoding; unlike there, a value
of a union stands alone, without its type's name around it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

_UNIONS: Final = (typing.Union, types.UnionType)


def to_plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists, enums as their symbols; the rest as it is, bytes too."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def to_json(value: Any) -> Any:
    """The plain form with bytes as text."""
    return _texts(to_plain(value))


def from_plain(hint: Any, value: Any) -> Any:
    """The value of type ``hint`` from its plain or JSON form. Raises KeyError, TypeError, ValueError."""
    if typing.get_origin(hint) in _UNIONS:
        (inner,) = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        return None if value is None else from_plain(inner, value)
    if typing.get_origin(hint) is tuple:
        return tuple(from_plain(typing.get_args(hint)[0], item) for item in value)
    if is_dataclass(hint):
        return _record(hint, value)
    if issubclass(hint, Enum):
        return hint[value]
    if hint is bytes and isinstance(value, str):
        return value.encode("latin-1")
    if value.__class__ is not hint:
        raise TypeError(f"expected {hint.__name__}, found {value!r}")
    return value


def _record(hint: Any, value: Mapping[str, Any]) -> Any:
    names = _hints(hint)
    if unknown := sorted(value.keys() - names.keys()):
        raise KeyError(f"{hint.__name__} has no {', '.join(unknown)}")
    make = typing.cast("Callable[..., Any]", hint)
    return make(**{name: from_plain(inner, value[name]) for name, inner in names.items()})


@cache
def _hints(hint: type[Any]) -> Mapping[str, Any]:
    hints = typing.get_type_hints(hint)
    return {field.name: hints[field.name] for field in fields(hint)}


def _texts(plain: Any) -> Any:
    if isinstance(plain, bytes):
        return plain.decode("latin-1")
    if isinstance(plain, dict):
        return {name: _texts(item) for name, item in plain.items()}
    if isinstance(plain, list):
        return [_texts(item) for item in plain]
    return plain
