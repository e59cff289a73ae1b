"""A worker of the suite: the real one, with a saboteur at its fault points.

Runner and saboteur speak through files in one folder: ``NAME.card`` says who the worker is and what it runs,
``NAME.order`` what it is to do to itself, and where; ``NAME.fired`` that it is about to.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from streams.engine import FaultPoint
from streams.engine.engine import Engine
from streams.settings import load
from streams.worker import prepare
from tests.evolution.releases import RELEASES

FOLDER: Final = "CHAOS_FOLDER"
"""The variable that names the folder."""
RELEASE: Final = "CHAOS_RELEASE"
"""The variable that says which release the worker is."""
NAME: Final = "PAYSTATE_INSTANCE"
_CHANGES: Final = frozenset({FaultPoint.ASSIGNED, FaultPoint.ACTIVATED, FaultPoint.REVOKED, FaultPoint.LOST})
_HARM: Final[dict[str, Callable[[], object]]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "freeze": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


class Saboteur:
    """Called at every fault point, by several threads; does what is ordered, once."""

    def __init__(self, folder: Path, name: str) -> None:
        self._order = folder / f"{name}.order"
        self._fired = folder / f"{name}.fired"
        self._card = folder / f"{name}.card"
        self._passed: dict[int, int] = {}
        self._told: dict[str, Any] = {"pid": os.getpid(), "partitions": [], "active": []}
        self.engine: Engine | None = None

    def introduce(self) -> None:
        """Say who we are and what we run."""
        if self.engine is not None:
            owned = [status.partition for status in self.engine.status().partitions]
            self._told = self._told | {"partitions": owned, "active": self.engine.partitions}
        write_json(self._card, self._told)

    def reached(self, point: FaultPoint) -> None:
        """The hook."""
        if point in _CHANGES:
            self.introduce()
        order = read_json(self._order)
        if order is None or order["point"] != point:
            return
        passed = self._passed[order["number"]] = self._passed.get(order["number"], 0) + 1
        if passed < order["after"]:
            return
        try:
            self._order.unlink()
        except FileNotFoundError:
            return  # another thread was faster, or it was taken back
        told = {"number": order["number"], "partitions": self._told["partitions"], "at_s": time.monotonic()}
        write_json(self._fired, told)
        _HARM[order["harm"]]()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """What was written; None if nothing was."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    content: dict[str, Any] = json.loads(text)
    return content


def main() -> None:
    """Be the worker, until it is killed."""
    saboteur = Saboteur(Path(os.environ[FOLDER]), os.environ[NAME])
    saboteur.introduce()
    prepared = prepare(load(), saboteur.reached, RELEASES[os.environ[RELEASE]])
    saboteur.engine = prepared.app.engine
    prepared.run("INFO")


if __name__ == "__main__":
    main()
