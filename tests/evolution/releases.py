"""Releases that do not exist yet, for tests of upgrades. A worker: ``python -m tests.evolution.releases next``.

They differ from the current one by their registry of forms alone, which a worker is given like any other of its parts.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec

from schemas.contract_files import load_schema
from schemas.shapes import Schema
from streams.cli.main import ending_clearly
from streams.forms import FORMS, Array, Form, Forms, Kept
from streams.settings import load
from streams.worker import run

_OWN: Final = FORMS.newest.number


class Counted:
    """``internal`` says how many facts it holds."""

    _encode = msgspec.msgpack.Encoder().encode
    _decode = msgspec.msgpack.Decoder(tuple[bool, list[Any], list[tuple[str, int, str]], int]).decode

    def write(self, overflowed: bool, rows: list[Any], marks: list[tuple[str, int, str]]) -> bytes:
        return self._encode((overflowed, rows, marks, len(rows)))

    def read(self, data: bytes) -> Kept:
        overflowed, rows, marks, count = self._decode(data)
        if count != len(rows):
            raise ValueError(f"expected {count} facts, found {len(rows)}")
        return overflowed, rows, marks


class _Shorter(Forms):
    """The first of two forms has no topic of the clock, and approvals without ``region`` and the word WITHDRAWN."""

    def schema(self, contract: str, form: Form) -> Schema | None:
        schema = load_schema(contract)
        if form is self.newest or contract not in {"payments.approvals.v1", "payments.clock.v1"}:
            return schema
        if contract == "payments.clock.v1":
            return None
        return {**schema, "fields": [_shorter(field) for field in schema["fields"] if field["name"] != "region"]}


def _shorter(field: Schema) -> Schema:
    if field["name"] != "decision":
        return field
    symbols = [symbol for symbol in field["type"]["symbols"] if symbol != "WITHDRAWN"]
    return {**field, "type": {**field["type"], "symbols": symbols}}


#: The current release as if some of it had come with it, and not with the one before.
BEFORE: Final = _Shorter("97.0.0", Form(1, "96.0.0", Array()), Form(2, "97.0.0", Array()))
NEXT: Final = Forms("98.0.0", *FORMS.known, Form(_OWN + 1, "98.0.0", Counted()))
AFTER_NEXT: Final = Forms("99.0.0", *NEXT.known, Form(_OWN + 2, "99.0.0", Array()))
RELEASES: Final = {"current": FORMS, "next": NEXT, "after-next": AFTER_NEXT}


if __name__ == "__main__":
    with ending_clearly():
        run(load(), "INFO", RELEASES[sys.argv[1]])
