"""The three kinds of panels that the boards use, and one way to ask Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import BigValueColorMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos, Threshold, ThresholdsMode

DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
_WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and the legend of its series."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: ``unit`` is Grafana's name of it, ``width`` is in 24ths, ``number`` shows one big value.

    ``red_above`` colours the big value; without it a number has no judgement of its own.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    height: int = 7
    number: bool = False
    red_above: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard, as data."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]


def _targets(panel: Panel) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + index))
        for index, query in enumerate(panel.queries)
    ]


def _number(panel: Panel) -> stat.Panel:
    if panel.red_above is None:
        return stat.Panel().color_mode(BigValueColorMode.NONE)
    steps = [Threshold(color="green"), Threshold(value=panel.red_above, color="red")]
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return stat.Panel().color_mode(BigValueColorMode.BACKGROUND).thresholds(thresholds)


def _panel(panel: Panel, number: int, x: int, y: int) -> stat.Panel | timeseries.Panel:
    position = GridPos(h=panel.height, w=panel.width, x=x, y=y)
    built: stat.Panel | timeseries.Panel
    built = _number(panel) if panel.number else timeseries.Panel().fill_opacity(10)
    built.id(number).title(panel.title).description(panel.description).unit(panel.unit)
    built.datasource(DATASOURCE).grid_pos(position)
    for target in _targets(panel):
        built.with_target(target)
    return built


def build(board: Board) -> dashboard.Dashboard:
    """The board as the SDK's builder: panels flow left to right, row by row, with stable ids."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["paystate"])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
    )
    number, y = 0, 0
    for row in board.rows:
        number += 1
        built.with_row(dashboard.Row(row.title).id(number).grid_pos(GridPos(h=1, w=_WIDTH, x=0, y=y)))
        y, x, tallest = y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                y, x, tallest = y + tallest, 0, 0
            number += 1
            built.with_panel(_panel(panel, number, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return built
