"""What has been released: every schema that records out there may have been written with.

It is known from the folder ``avro/released``, which is part of the package; from the tags ``v*`` of a checkout; and
from the schema registry, if there is one. ``freeze`` adds the current schemas to the folder: a step of a release.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fastavro.schema import to_parsing_canonical_form

from schemas.compatibility import Difference, differences
from schemas.contract_files import Released, load_schema, released, released_names, schema_names
from schemas.contracts import contracts
from schemas.shapes import Schema

_PACKAGE: Final = Path(__file__).parent
_AVRO: Final = "schemas/avro"
_TIMEOUT_S: Final = 30.0


class ReleaseError(RuntimeError):
    """Releases that cannot be read, or one that cannot be made; the message says what to do."""


class Versions(Protocol):
    """A schema registry, as far as releases go."""

    def released(self, contract_name: str) -> list[Released]:
        """Every version that it has of a topic's schema, oldest first."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A topic's current schema against one released version. ``release`` "": there is none to compare with."""

    contract: str
    compatibility: str
    release: str
    breaking: tuple[Difference, ...]
    benign: tuple[Difference, ...]

    @property
    def verdict(self) -> str:
        """In one word."""
        if not self.release:
            return "new"
        return "breaking" if self.breaking else "benign" if self.benign else "same"


def check(releases: Iterable[Released]) -> list[Checked]:
    """Every topic against every released version of it, because compatibility is transitive; by topic."""
    rows: dict[str, list[Released]] = {row.name: [] for row in contracts()}
    for release in releases:
        rows.setdefault(release.contract, []).append(release)
    return [checked for name, found in sorted(rows.items()) for checked in _checked(name, found)]


def _checked(name: str, releases: Sequence[Released]) -> list[Checked]:
    modes = {row.name: row.compatibility for row in contracts()}
    if name not in modes:
        gone = Difference(name, "the topic was removed: keep its contract until its records are gone", frozenset())
        return [Checked(name, "-", row.release, (gone,), ()) for row in releases]
    mode = modes[name]
    if not releases:
        return [Checked(name, mode, "", (), ())]
    current = load_schema(name)
    checked = []
    for release in releases:
        found = differences(release.schema, current)
        breaking = tuple(row for row in found if row.is_breaking(mode))
        checked.append(
            Checked(name, mode, release.release, breaking, tuple(row for row in found if not row.is_breaking(mode)))
        )
    return checked


def known_releases(registry: Versions | None = None) -> list[Released]:
    """Everything released that can be known here. Versions of the same schema are told once, all named."""
    found = [row for name in released_names() for row in released(name)] + tagged(_PACKAGE.parent)
    if registry is not None:
        found += [row for contract in contracts() for row in registry.released(contract.name)]
    merged: dict[tuple[str, str], Released] = {}
    for row in found:
        key = row.contract, json.dumps(row.schema, sort_keys=True)
        known = merged.get(key)
        merged[key] = row if known is None else Released(row.contract, f"{known.release}, {row.release}", row.schema)
    return list(merged.values())


def tagged(root: Path) -> list[Released]:
    """The schemas of every tag ``v*``, if ``root`` is a git checkout and git is there. Raises ReleaseError."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return []
    tags = _git(git, root, "tag", "--list", "v*", "--sort=v:refname").split()
    return [row for tag in tags for row in _schemas_of(git, root, tag)]


def _schemas_of(git: str, root: Path, tag: str) -> list[Released]:
    paths = _git(git, root, "ls-tree", "--name-only", tag, f"{_AVRO}/").splitlines()
    return [
        Released(Path(path).stem, f"tag {tag}", json.loads(_git(git, root, "show", f"{tag}:{path}")))
        for path in paths
        if path.endswith(".avsc")
    ]


def _git(git: str, root: Path, *arguments: str) -> str:
    command = [git, "-C", str(root), *arguments]
    # In a hook git says by its environment which repository it means; here it is that of the folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 -- no shell, our own arguments
            command, capture_output=True, check=True, text=True, timeout=_TIMEOUT_S, env=environment
        )
    except subprocess.CalledProcessError as error:
        raise ReleaseError(f"{' '.join(command)}: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"{' '.join(command)}: {error}") from error
    return done.stdout


def freeze(release: str, folder: Path = _PACKAGE / "avro" / "released") -> list[Path]:
    """Keep the current schemas as those of a release; gives the files written.

    One that has not changed since its newest release, but for docs, is not written again. Raises ReleaseError, before
    it writes, if the release is there already with another schema: what has been released never changes.
    """
    current = {name: load_schema(name) for name in schema_names()}
    known = {name: released(name) for name in current}
    for name, schema in current.items():
        if any(row.release == release and not _is_same(row.schema, schema) for row in known[name]):
            raise ReleaseError(f"{name} is in release {release} with another schema: choose a new version")
    changed = [name for name, rows in known.items() if not rows or not _is_same(rows[-1].schema, current[name])]
    return [_written(folder / name / f"{release}.avsc", current[name]) for name in changed]


def _is_same(old: Schema, new: Schema) -> bool:
    """Whether both write the same bytes and read them to the same values."""
    return to_parsing_canonical_form(old) == to_parsing_canonical_form(new) and not differences(old, new)


def _written(path: Path, schema: Schema) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
