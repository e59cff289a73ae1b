"""Boards are code, ask only for what is exported, and are what is committed and provisioned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector

from grafana.boards.panels import Board, Panel
from grafana.boards.write import BOARDS, DASHBOARDS, as_json
from streams.metric_catalogue import CATALOGUE, Kind

METRIC_NAME = re.compile(r"(?:payments|process)_[a-z_]+")
SELECTOR = re.compile(r"((?:payments|process)_[a-z_]+)\{([^}]*)\}")
GROUPING = re.compile(r"\b(?:by|on|group_left) \(([^)]*)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")
#: What Prometheus adds to every series of a target.
SCRAPED = {"instance", "job"}
board_by_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


def exported() -> dict[str, set[str]]:
    """Every series that a worker exports, by name, with its labels."""
    names: dict[str, set[str]] = {}
    for metric in CATALOGUE:
        if metric.kind is Kind.HISTOGRAM:
            names[f"{metric.name}_bucket"] = {*metric.labels, "le"}
        else:
            names[metric.name] = set(metric.labels)
    process = ProcessCollector(registry=CollectorRegistry())
    names |= {sample.name: set() for family in process.collect() for sample in family.samples}
    return names


def panels(board: Board) -> Iterator[Panel]:
    return (panel for row in board.rows for panel in row.panels)


@board_by_board
def test_committed_dashboard_is_what_the_code_makes(board: Board) -> None:
    committed = (DASHBOARDS / f"{board.uid}.json").read_text(encoding="utf-8")
    assert committed == as_json(board), "run `make dashboards`"


def test_every_committed_dashboard_has_its_code() -> None:
    assert {path.stem for path in DASHBOARDS.iterdir()} == {board.uid for board in BOARDS}


@board_by_board
def test_boards_ask_only_for_what_a_worker_exports(board: Board) -> None:
    for panel in panels(board):
        for query in panel.queries:
            asked = METRIC_NAME.findall(query.expr)
            assert asked, query.expr
            assert set(asked) <= exported().keys(), query.expr


@board_by_board
def test_a_selector_names_labels_of_its_own_metric(board: Board) -> None:
    for panel in panels(board):
        for query in panel.queries:
            for name, matchers in SELECTOR.findall(query.expr):
                labels = set(re.findall(r"(\w+)\s*[=!]~?", matchers))
                assert labels <= exported()[name] | SCRAPED, query.expr


@board_by_board
def test_a_query_groups_and_titles_by_labels_that_its_metrics_have(board: Board) -> None:
    for panel in panels(board):
        for query in panel.queries:
            known = set[str]().union(*(exported()[name] for name in METRIC_NAME.findall(query.expr))) | SCRAPED
            grouped = {label.strip() for labels in GROUPING.findall(query.expr) for label in labels.split(",")} - {""}
            assert grouped <= known, query.expr
            assert set(LEGEND.findall(query.legend)) <= known, query.legend


@board_by_board
def test_a_legend_names_labels_that_the_query_keeps(board: Board) -> None:
    """After `sum by (a, b)` nothing but a and b is left to show."""
    for panel in panels(board):
        for query in panel.queries:
            kept = re.findall(r"\b(?:sum|min|max) by \(([^)]*)\)", query.expr)
            if kept:
                labels = {label.strip() for labels in kept for label in labels.split(",")}
                assert set(LEGEND.findall(query.legend)) <= labels, query.expr


@board_by_board
def test_a_counter_is_never_shown_as_it_is(board: Board) -> None:
    """It falls to 0 with every restart: only its rate or its increase says anything."""
    for panel in panels(board):
        for query in panel.queries:
            raw = re.sub(r"(?:rate|increase)\([^)]*\)", "", query.expr)
            assert not re.search(r"_(?:total|bucket)\b", raw), query.expr


@board_by_board
def test_every_panel_says_what_it_means(board: Board) -> None:
    for panel in panels(board):
        assert panel.description.endswith("."), panel.title
        assert len(panel.description) > len(panel.title) + 10, panel.title


@board_by_board
def test_a_board_has_no_two_panels_of_one_id_or_place(board: Board) -> None:
    built = json.loads(as_json(board))["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in built]
    assert len({panel["id"] for panel in built}) == len(built)
    assert len(set(places)) == len(built)


def test_provisioned_data_source_is_the_one_that_the_boards_name() -> None:
    provisioned = yaml.safe_load((DASHBOARDS.parent / "provisioning/datasources/prometheus.yaml").read_text())
    uid = provisioned["datasources"][0]["uid"]
    for board in BOARDS:
        named = {panel["datasource"]["uid"] for panel in json.loads(as_json(board))["panels"] if panel["type"] != "row"}
        assert named == {uid}
