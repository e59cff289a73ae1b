"""Golden rows: rows of every table as a release wrote them, with what they say.

Rows are enough; whole stores are not kept. A store is a copy of the changelogs, made anew from them whenever it cannot
be used (RocksDB's own format may change with its version): its rows are the changelogs' values, byte for byte, which
`paystate verify` compares in every run. What a store adds, marks and age, is rebuilt and never read by another release.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.codec import codec
from schemas.contract_files import version_key
from streams.agents import correlate, duplicates, normalise
from streams.agents.payment_rows import KINDS, FactsIn, due_in, kept_of
from streams.agents.rows import RowCodec
from streams.domain.deadlines import Mark
from streams.domain.kept import Kept, Rival
from streams.domain.state import State
from streams.forms import FORMS, Form, Forms, Writing

FOLDER: Final = Path(__file__).parents[1] / "golden"
STATE: Final = "payments.state.v1"
PAYMENTS: Final = "payments"
#: The tables of private rows, by name.
PRIVATE: Final[Mapping[str, RowCodec]] = {
    "files-seen": normalise.ROWS,
    "references": correlate.ROWS,
    "duplicates": duplicates.ROWS,
}
TABLES: Final = (PAYMENTS, *PRIVATE)
_FACTS: Final = {kind.__name__: kind for _, kind in KINDS}


@dataclass(frozen=True)
class GoldenRow:
    """One row: its bytes, and what it says as JSON."""

    shows: str
    value: bytes
    says: Any


@dataclass(frozen=True)
class GoldenTable:
    """Rows of one table as ``release`` wrote them in its form."""

    release: str
    form: int
    table: str
    rows: tuple[GoldenRow, ...]


def goldens(folder: Path = FOLDER) -> list[GoldenTable]:
    """Every golden table of every release, oldest release first."""
    releases = sorted((path.name for path in folder.iterdir() if path.is_dir()), key=version_key)
    return [_loaded(folder / release / f"{table}.json", release, table) for release in releases for table in TABLES]


def _loaded(path: Path, release: str, table: str) -> GoldenTable:
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = [GoldenRow(row["shows"], base64.b64decode(row["value"]), row["says"]) for row in document["rows"]]
    return GoldenTable(release, document["form"], table, tuple(rows))


def kept_in(path: Path, table: GoldenTable) -> None:
    """Write the file of one table."""
    rows = [{"shows": row.shows, "value": base64.b64encode(row.value).decode(), "says": row.says} for row in table.rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"form": table.form, "rows": rows}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def said(table: str, value: bytes, forms: Forms = FORMS) -> Any:
    """What a row says, as JSON, read by the current code."""
    if table != PAYMENTS:
        row = PRIVATE[table].writing(Writing(forms)).decode(value)
        return {"kind": type(row).__name__, "row": msgspec.to_builtins(row)}
    state = codec(STATE, State).decode(value)
    overflowed, kept, marks = kept_of(state.internal, forms)
    return {
        "state": msgspec.to_builtins(replace(state, internal=b"")),
        "overflowed": overflowed,
        "facts": [
            {
                "kind": type(row.fact).__name__,
                "fact": msgspec.to_builtins(row.fact),
                "rivals": msgspec.to_builtins(row.rivals),
            }
            for row in kept
        ],
        "due_at": due_in(value),
        "fired": msgspec.to_builtins(marks),
    }


def written(table: str, says: Any, form: Form, forms: Forms = FORMS) -> bytes:
    """The row that says this, as the current code writes it in a form."""
    if table != PAYMENTS:
        rows = PRIVATE[table].writing(Writing(forms, form.number))
        kind = next(kind for kind in rows.kinds if kind.__name__ == says["kind"])
        return rows.encode(msgspec.convert(says["row"], kind))
    state = msgspec.convert(says["state"], State)
    facts = FactsIn(forms, form)
    kept = [_kept(row, facts) for row in says["facts"]]
    marks = tuple(msgspec.convert(mark, Mark) for mark in says["fired"])
    internal = facts.internal(says["overflowed"], kept, marks, says["due_at"])
    schema = forms.schema(STATE, form)
    assert schema is not None
    return codec(STATE, State).encoder_in(schema)(replace(state, internal=internal))


def _kept(says: Any, facts: FactsIn) -> Kept:
    fact = msgspec.convert(says["fact"], _FACTS[says["kind"]])
    rivals = tuple(msgspec.convert(row, Rival) for row in says["rivals"])
    return Kept(fact.event_id, fact, facts.pack(fact), rivals)


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where ``found`` does not say all that was expected; fields that came later may be there too."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name in found:
                yield from differences(value, found[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: expected {value!r}, found no such field"
    elif isinstance(expected, list | tuple) and isinstance(found, list | tuple) and len(expected) == len(found):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif expected != found:
        yield f"{path}: expected {expected!r}, found {found!r}"


def features(table: str, says: Any) -> frozenset[str]:
    """What a row is an example of: its kind, the fields in use, of a payment its status, facts, flags and rivals."""
    if table != PAYMENTS:
        used = {name for name, value in says["row"].items() if value}
        return frozenset({says["kind"], *(f"{says['kind']}.{name}" for name in used)})
    state, facts = says["state"], says["facts"]
    told = {f"fact {row['kind']}" for row in facts} | {f"status {state['status']}"}
    told |= {f"flag {flag['name']}" for flag in state["flags"]}
    told |= {"rivals" for row in facts if row["rivals"]}
    told |= {"withdrawn" for row in facts if row["fact"].get("withdrawn")}
    told |= {"fired"} if says["fired"] else set()
    return frozenset(told | ({"overflowed"} if says["overflowed"] else set()))
