"""What is committed works anywhere: no host of a package registry, no path of somebody's machine, exact versions."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
#: Files of others, committed as they are.
FOREIGN = ("connectors/samples/", "LICENSE")
INSTALLS = ("constraints.txt", "pyproject.toml", "Makefile", "Dockerfile", ".ci/run", ".ci/venv", ".ci/pin")
#: Character classes keep a pattern from finding itself.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:[r]oot|[h]ome|[U]sers|[w]ork|[t]mp)/\w")
INDEX_OPTION = re.compile(r"--(?:extra-)?[i]ndex-url|--[f]ind-links|--[t]rusted-host|PIP_(?:EXTRA_)?[I]NDEX_URL")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;@]+)$")


def tracked() -> list[str]:
    """Every committed or about to be committed text of ours."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in listed if name and not name.startswith(FOREIGN) and (ROOT / name).is_file()]


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def pins() -> dict[str, str]:
    """Canonical name to version."""
    matches = [PINNED.match(line) for line in lines("constraints.txt") if line and not line.startswith("#")]
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def required() -> list[Requirement]:
    """What `make` installs: the dependencies and the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    return [Requirement(name) for name in wanted]


def test_no_file_names_a_path_of_a_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in tracked()
        for number, line in enumerate(lines(name), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_no_file_chooses_a_package_registry() -> None:
    found = [name for name in tracked() if any(INDEX_OPTION.search(line) for line in lines(name))]
    assert found == []


@pytest.mark.parametrize("name", INSTALLS)
def test_what_installs_names_no_host(name: str) -> None:
    assert not [line for line in lines(name) if "://" in line]


def test_every_constraint_is_one_exact_version() -> None:
    entries = [line for line in lines("constraints.txt") if line and not line.startswith("#")]
    assert [line for line in entries if not PINNED.match(line)] == []
    assert len(pins()) == len(entries)


def test_constraints_pin_what_the_project_asks_for_within_its_ranges() -> None:
    for requirement in required():
        version = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_the_installed_versions_are_the_pinned_ones() -> None:
    installed = {canonicalize_name(row.name): row.version for row in metadata.distributions()}
    asked = {canonicalize_name(requirement.name) for requirement in required()}
    assert asked <= installed.keys()
    assert {name: installed[name] for name in asked} == {name: pins()[name] for name in asked}


def test_ranges_are_open_above_but_for_what_the_engine_is_held_to() -> None:
    """Faust's seams are pinned (each has a test); the boards' generator has one version for each Grafana."""
    exact = {str(row) for row in required() if any(part.operator == "==" for part in row.specifier)}
    assert exact == {"faust-streaming==0.15.3", "grafana-foundation-sdk==1769699379!11.6.0"}
    assert all(row.specifier for row in required())
