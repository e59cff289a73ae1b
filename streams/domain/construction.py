"""Building frozen values at the price of plain ones.

A frozen dataclass sets every attribute through ``object.__setattr__``: 6 us for a State of 43 fields, more than the
rest of a fold. ``quick`` gives the same constructor, seven times faster, for a frozen dataclass with slots: a twin
that is not frozen is filled and then *becomes* the frozen class, which has the same layout. What comes out is an
ordinary instance: frozen, equal and hashable as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Any, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")


def quick(cls: Callable[_P, _T]) -> Callable[_P, _T]:
    """The constructor of ``cls`` (a frozen dataclass with slots and no dataclass above it), made cheap."""
    frozen = cast("type[Any]", cls)
    specification = [
        (row.name, row.type, field(default=row.default) if row.default is not MISSING else field())
        for row in fields(frozen)
    ]

    def freeze(self: object) -> None:
        self.__class__ = frozen

    twin = make_dataclass(
        f"{frozen.__name__}Twin", specification, slots=True, eq=False, repr=False, namespace={"__post_init__": freeze}
    )
    return cast("Callable[_P, _T]", twin)
