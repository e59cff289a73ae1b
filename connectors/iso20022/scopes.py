"""Where we are in a message: parts that are being read, and records complete but for what is around them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

import msgspec
from lxml import etree

from connectors.contract import JSON, ProviderRecord
from connectors.iso20022.elements import keep
from connectors.iso20022.refusals import RefusedError
from connectors.iso20022.shapes import Part

MOST_BYTES_AROUND: Final = 256 << 10
"""What every record of a batch or account repeats."""
COUNT: Final = "count"
"""Field of a record: how many records its batch or entry holds, told where a single one means something else."""


class Scope:
    """A part with parts within it, open or being read.

    ``element`` is None where what it says was read before. ``base`` is the innermost scope that stands in positions.
    ``inside``: how many records were made within it. ``told``: its own record was given out already. ``begun``: the
    part within it that was read in part.
    """

    __slots__ = (
        "_bytes",
        "_repeated",
        "base",
        "begun",
        "element",
        "inside",
        "numbers",
        "own",
        "part",
        "position",
        "told",
    )

    def __init__(self, part: Part, outer: Scope | None, element: etree._Element | None = None) -> None:
        self.part = part
        self.element = element
        self.position = outer.base.place(part) if outer is not None else ""
        self.base: Scope = self if part.numbered or outer is None else outer.base
        self.own: dict[str, JSON] = {}
        self.numbers: dict[str, int] = {}
        self.inside = 0
        self.told = False
        self.begun: Scope | None = None
        self._repeated: dict[str, JSON] | None = None
        self._bytes = 0

    def place(self, part: Part) -> str:
        """The position of the next ``part`` within this one."""
        name = part.name
        number = self.numbers[name] = self.numbers.get(name, 0) + 1
        return f"{self.position}/{name}[{number}]" if self.position else f"{name}[{number}]"

    def say(self, name: str, value: JSON) -> None:
        """One more field of its own."""
        keep(self.own, name, value)
        self._repeated = None

    def say_all(self, found: Mapping[str, JSON], apart: Container[str]) -> None:
        """All that its elements say, those left out that are named in ``apart``."""
        self._repeated = None
        if not self.own:
            self.own = {name: value for name, value in found.items() if name not in apart}
            return
        for name, value in found.items():
            if name not in apart:
                for each in value if isinstance(value, list) else (value,):
                    keep(self.own, name, each)

    def for_records(self) -> dict[str, JSON]:
        """What each record within repeats of it. Raises RefusedError if that is more than any message says."""
        if self._repeated is None:
            self._repeated = self.own.copy()
            for name in self.part.left_out:
                self._repeated.pop(name, None)
            self._bytes = 0
        if not self._bytes and self.inside > 1:
            self._bytes = self._measured()
        return self._repeated

    @property
    def repeated_bytes(self) -> int:
        """How large that is as JSON; 0 as long as it is said once, for the file itself says it once."""
        return self._bytes

    def _measured(self) -> int:
        size = len(msgspec.json.encode(self._repeated))
        if size > MOST_BYTES_AROUND:
            limit = f"at most {MOST_BYTES_AROUND} bytes beside its records"
            raise RefusedError("record_too_large", self.position or self.part.name, limit, f"{size} bytes")
        return size


class Told:
    """One record that is complete but for what is around it."""

    __slots__ = ("around", "part", "position", "said")

    def __init__(self, part: Part, position: str, said: dict[str, JSON], around: tuple[Scope, ...]) -> None:
        self.part = part
        self.position = position
        self.said = said
        self.around = around

    def record(self, count: int | None) -> ProviderRecord:
        """The record with all that is said around it (the message itself stands in nothing); ``count`` of its
        siblings where the shape wants it told."""
        if not self.around:
            return ProviderRecord(self.part.kind or "", self.part.name, self.said)
        told: dict[str, JSON] = dict(self.around[0].for_records())
        for outer in self.around[1:]:
            told[outer.part.name] = outer.for_records()
        told[self.part.name] = self.said
        if count is not None:
            told[COUNT] = count
        return ProviderRecord(self.part.kind or "", self.position, told)
