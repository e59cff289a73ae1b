"""The wheel holds everything that runs: code, contracts, profiles, mapping documents, sample files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("streams", "schemas", "connectors")
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", *PACKAGES)
LEFT_BY_PYTHON = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves files in its source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=LEFT_BY_PYTHON)
        else:
            shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(source)]
    subprocess.run(build, check=True, capture_output=True, env=os.environ | pinned())
    (built,) = (folder / "dist").glob("*.whl")
    return built


def pinned() -> dict[str, str]:
    """What builds the wheel is pinned too, as in the Makefile."""
    return {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")}


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel's content as it lies in an environment."""
    folder = wheel.parent / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files_of(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for package in PACKAGES
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.timeout(600)
def test_the_wheel_built_from_the_source_distribution_lacks_no_file_of_its_packages(installed: Path) -> None:
    source = installed.parents[1] / "source"
    assert files_of(installed) == files_of(source)


@pytest.mark.parametrize(
    "pattern",
    [
        "schemas/topics/payments.state.v1.yaml",
        "schemas/avro/payments.state.v1.avsc",
        "schemas/examples/payments.state.v1/*.json",
        "connectors/iso20022/MAPPING.md",
        "connectors/profiles/*.yaml",
        "connectors/samples/pain002/*",
        "connectors/samples/LICENCES/README.md",
    ],
)
def test_data_that_is_read_at_run_time_is_there(installed: Path, pattern: str) -> None:
    assert list(installed.glob(pattern))


def test_tests_and_tools_stay_out(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == set(PACKAGES)


def run(installed: Path, *arguments: str) -> str:
    """Run Python over the wheel's content, away from the checkout."""
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(
        command,
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_of_the_wheel_tells_its_version(installed: Path, wheel: Path) -> None:
    assert run(installed, "-m", "streams.cli", "--version") == f"paystate {wheel.name.split('-')[1]}\n"


def test_contracts_are_found_in_the_wheel(installed: Path) -> None:
    program = "import schemas.contracts as c; print(c.__file__); print(len(c.contracts()))"
    path, count = run(installed, "-c", program).splitlines()
    assert Path(path).is_relative_to(installed)
    assert int(count) == len(list((ROOT / "schemas/topics").glob("*.yaml")))


def test_the_licence_comes_along(installed: Path) -> None:
    (folder,) = installed.glob("*.dist-info")
    assert (folder / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "License-Expression: Apache-2.0" in (folder / "METADATA").read_text()
