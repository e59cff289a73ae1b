"""Freeze schemas, write golden rows: ``python -m tests.evolution.write_golden 0.1.0``, the release being made.

Only of that one: what a released version wrote never changes, and is never written again.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from connectors.formats import InstalledFormats
from schemas.codec import codec
from schemas.contract_files import examples, released_names
from schemas.plain import from_plain
from schemas.releases import freeze
from streams.agents.correlate import Shared
from streams.agents.duplicates import Members
from streams.agents.normalise import Seen
from streams.agents.payment_rows import KINDS, FactsIn
from streams.domain.deadlines import Mark
from streams.domain.facts import Approval
from streams.domain.kept import Kept, Rival
from streams.domain.payment import Context, Envelope, as_state, payment_of
from streams.domain.state import State
from streams.forms import FORMS
from streams.simulator.simulation import simulate
from tests.evolution.golden import (
    FOLDER,
    PAYMENTS,
    PRIVATE,
    STATE,
    TABLES,
    GoldenRow,
    GoldenTable,
    features,
    kept_in,
    said,
)
from tests.verify.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "schemas" / "avro" / "released"
SEED, COMPANY = 5, 200


class ReleasedError(RuntimeError):
    """The version is not the one that is being made."""


def check_unreleased(version: str, root: Path = ROOT) -> None:
    """Raises ReleasedError: a released version, or not the one in pyproject.toml."""
    being_made = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if version != being_made:
        raise ReleasedError(f"pyproject.toml makes release {being_made}, not {version}: golden rows are written for it")
    heading = re.compile(rf"^## \[?v?{re.escape(version)}\b", re.MULTILINE)
    if heading.search((root / "CHANGELOG.md").read_text(encoding="utf-8")):
        raise ReleasedError(f"{version} is released, CHANGELOG.md says: raise the version in pyproject.toml first")
    git = shutil.which("git")
    if git is not None and (root / ".git").exists():
        listed = subprocess.run([git, "-C", str(root), "tag", "--list", f"v{version}"], capture_output=True, text=True)
        if listed.stdout.strip():
            raise ReleasedError(f"{version} is released, tag v{version} is there: raise the version in pyproject.toml")


def write(version: str, folder: Path = FOLDER, root: Path = ROOT) -> list[Path]:
    """Write the rows of every table; gives the files. Raises ReleasedError before it writes."""
    check_unreleased(version, root)
    frozen_anew(version)
    pipeline = Pipeline(InstalledFormats())
    pipeline.say(simulate(SEED, COMPANY).said)
    paths = []
    for table in TABLES:
        rows = [row for partition in pipeline.tables(table).values() for row in partition.values()]
        found = _chosen(table, [*rows, *_made(table)])
        path = folder / version / f"{table}.json"
        kept_in(path, GoldenTable(version, FORMS.newest.number, table, tuple(found)))
        paths.append(path)
    return paths


def frozen_anew(version: str) -> None:
    """The schemas of the release in the making as they are now: the form's records are written in them."""
    for contract in released_names():
        (RELEASED / contract / f"{version}.avsc").unlink(missing_ok=True)
    freeze(version)


def _chosen(table: str, values: Sequence[bytes]) -> Iterator[GoldenRow]:
    """The smallest rows that between them show everything that any row shows."""
    told = [(value, says, features(table, says)) for value in values for says in [_as_json(said(table, value))]]
    shown: set[str] = set()
    for value, says, shows in sorted(told, key=lambda row: (len(row[0]), row[0])):
        new = shows - shown
        if new:
            shown |= new
            yield GoldenRow(", ".join(sorted(new)), value, says)


def _as_json(says: Any) -> Any:
    """As it will be read from its file: tuples are lists."""
    return msgspec.json.decode(msgspec.json.encode(says))


def _made(table: str) -> list[bytes]:
    """What a company of this size does not bring forth."""
    if table == PAYMENTS:
        return [_everything()]
    made: dict[str, list[Any]] = {
        "files-seen": [Seen(None, alerted=True)],
        "references": [Shared(3, "a fact", "member:a\x1fb")],
        "duplicates": [Members((), crowded=True)],
    }
    return [PRIVATE[table].encode(row) for row in made.get(table, [])]


def _everything() -> bytes:
    """A payment with a fact of each kind, one of them with a rival, and more facts than it may keep."""
    facts = FactsIn(FORMS, FORMS.newest)
    kept = []
    for contract, kind in KINDS:
        fact = replace(from_plain(kind, examples(contract)[0].document), correlation_id="PAY-OF-ALL-KINDS")
        kept.append(Kept(fact.event_id, fact, facts.pack(fact)))
    first = kept[0].fact
    assert isinstance(first, Approval)
    withdrawn = replace(first, delivery=2, withdrawn=True)
    rival = Rival("f" * 64, 1_795_513_200_000_000, 1, withdrawn=True)
    kept[0] = Kept(first.event_id, withdrawn, facts.pack(withdrawn), (rival,))
    envelope = Envelope(7, 5, "a transition", 1_795_513_200_000_000, 1)
    fired = (Mark("an event", 1_795_513_260_000_000, "default"),)
    payment = payment_of("PAY-OF-ALL-KINDS", kept, envelope, Context(), overflowed=True)
    internal = facts.internal(True, payment.kept, fired, 1_795_513_320_000_000)
    return codec(STATE, State).encode(as_state(payment, internal))


if __name__ == "__main__":
    try:
        for written in write(sys.argv[1] if len(sys.argv) > 1 else ""):
            print(written.relative_to(ROOT))
    except ReleasedError as error:
        sys.exit(f"make golden: {error}")
