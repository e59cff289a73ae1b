"""Kafka's jars are resolved once and used again only as they were resolved."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from streams.broker.jars import class_path
from streams.broker.java import BrokerError


@pytest.fixture
def resolutions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A jgo that makes two jars; what it was asked to resolve."""
    asked: list[str] = []

    def build(endpoint: str, *, update: bool, cache_dir: str) -> Any:
        assert not update
        asked.append(endpoint)
        root = Path(cache_dir) / "env"
        for jar in (root / "jars" / "kafka.jar", root / "modules" / "clients.jar"):
            jar.parent.mkdir(parents=True, exist_ok=True)
            if not jar.exists():
                jar.write_bytes(b"class files")
        return SimpleNamespace(path=root)

    jgo = ModuleType("jgo")
    jgo.__dict__["build"] = build
    monkeypatch.setitem(sys.modules, "jgo", jgo)
    monkeypatch.setenv("PAYSTATE_CACHE_DIR", str(tmp_path / "cache"))
    return asked


def test_jars_are_resolved_once(resolutions: list[str], tmp_path: Path) -> None:
    first = class_path()
    assert [Path(jar).relative_to(tmp_path / "cache" / "jars" / "env") for jar in first.split(os.pathsep)] == [
        Path("jars/kafka.jar"),
        Path("modules/clients.jar"),
    ]
    assert class_path() == first
    assert len(resolutions) == 1
    assert resolutions[0].startswith("org.apache.kafka:kafka_2.13:4.1.0+")
    assert resolutions[0].endswith("!"), "pinned, or its BOM lowers other jars"


@pytest.mark.parametrize("damage", ["changed", "gone", "manifest"])
def test_a_jar_that_is_not_what_it_was_is_resolved_anew(resolutions: list[str], tmp_path: Path, damage: str) -> None:
    first = class_path()
    jar = Path(first.split(os.pathsep)[1])
    if damage == "changed":
        jar.write_bytes(b"class file")
    elif damage == "gone":
        jar.unlink()
    else:
        next((tmp_path / "cache").glob("*.sha256")).write_text("half a li")
    assert class_path() == first
    assert jar.read_bytes() == b"class files"
    assert len(resolutions) == 2


def test_a_missing_extra_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "jgo", None)
    with pytest.raises(BrokerError, match=r"pip install 'paystate\[broker\]'"):
        class_path()


def test_jars_that_cannot_be_resolved_say_what_else_can_be_done(
    resolutions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(sys.modules["jgo"], "build", refuse)
    with pytest.raises(BrokerError, match=r"no route to host.*PAYSTATE_KAFKA__BOOTSTRAP_SERVERS"):
        class_path()
    assert resolutions == []
