"""Boards to JSON files, byte for byte the same each time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.boards import business, pipeline
from grafana.boards.panels import Board, build

BOARDS: Final[tuple[Board, ...]] = (business.BOARD, pipeline.BOARD)
DASHBOARDS: Final = Path(__file__).resolve().parent.parent / "dashboards"


def as_json(board: Board) -> str:
    """The dashboard model as Grafana imports it."""
    return str(JSONEncoder(sort_keys=True, indent=2).encode(build(board).build())) + "\n"


def write(folder: Path) -> list[Path]:
    """Write every board into ``folder`` as ``<uid>.json``; returns the paths."""
    paths = []
    for board in BOARDS:
        path = folder / f"{board.uid}.json"
        path.write_text(as_json(board), encoding="utf-8")
        paths.append(path)
    return paths
