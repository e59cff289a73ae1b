"""Building dataclasses at the price of setting their attributes.

A frozen dataclass sets every attribute through ``object.__setattr__``: 6 us for a State of 43 fields, more than the
rest of a fold. Any class written in Python is called the long way: CPython 3.11 packs the arguments, looks up
``__init__`` and unpacks them again. ``quick`` gives the same constructor as a function that sets the attributes of a
bare instance: several times faster for a frozen dataclass, twice as fast for another one. What comes out is an ordinary
instance, frozen if its class is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_BARE: Final = "_bare"


def quick(cls: Callable[_P, _T]) -> Callable[_P, _T]:
    """The constructor of ``cls`` (a dataclass with slots and no dataclass above it), made cheap.

    An instance of a frozen class is filled as one of a twin, which has the same layout and is not frozen, and then
    *becomes* one of the class.
    """
    kind = cast("type[Any]", cls)
    rows = fields(kind)
    is_frozen = kind.__dataclass_params__.frozen
    lines = [
        f"def make({', '.join(_parameter(row) for row in rows)}):",
        f" made = {_BARE}()",
        *[f" made.{row.name} = {_value(row)}" for row in rows],
        *([f" made.__class__ = {_BARE}_class"] if is_frozen else []),
        " return made",
    ]
    scope = {f"{_BARE}_{row.name}": _given(row) for row in rows if _has_default(row)}
    scope |= {_BARE: _twin(kind), f"{_BARE}_class": kind} if is_frozen else {_BARE: _bare(kind)}
    exec(compile("\n".join(lines), f"<constructor of {kind.__name__}>", "exec"), scope)  # noqa: S102 -- names of our own fields
    return cast("Callable[_P, _T]", scope["make"])


def _parameter(row: Field[Any]) -> str:
    return f"{row.name}={_BARE}_{row.name}" if _has_default(row) else row.name


def _value(row: Field[Any]) -> str:
    """What the attribute is set to; a default that is made anew each time stands for itself until it is needed."""
    if row.default_factory is MISSING:
        return row.name
    return f"{row.name}() if {row.name} is {_BARE}_{row.name} else {row.name}"


def _has_default(row: Field[Any]) -> bool:
    return _given(row) is not MISSING


def _given(row: Field[Any]) -> Any:
    return row.default if row.default is not MISSING else row.default_factory


def _twin(kind: type[Any]) -> type[Any]:
    return type(f"{kind.__name__}Twin", kind.__bases__, {"__slots__": kind.__slots__})


def _bare(kind: type[Any]) -> Callable[[], Any]:
    return partial(object.__new__, kind)
