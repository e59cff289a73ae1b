from __future__ import annotations

import json
import re

import pytest
import yaml

from grafana.boards.panels import Board
from grafana.boards.write import BOARDS, DASHBOARDS, as_json
from streams.metric_catalogue import CATALOGUE, Kind

METRIC_NAME = re.compile(r"payments_[a-z_]+")


def exported_names() -> set[str]:
    histograms = {
        f"{metric.name}{end}" for metric in CATALOGUE if metric.kind is Kind.HISTOGRAM for end in ("_bucket",)
    }
    return histograms | {metric.name for metric in CATALOGUE if metric.kind is not Kind.HISTOGRAM}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_committed_dashboard_is_what_the_code_makes(board: Board) -> None:
    committed = (DASHBOARDS / f"{board.uid}.json").read_text(encoding="utf-8")
    assert committed == as_json(board), "run `make dashboards`"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_boards_ask_only_for_metrics_of_the_catalogue(board: Board) -> None:
    asked = {
        name
        for row in board.rows
        for panel in row.panels
        for query in panel.queries
        for name in METRIC_NAME.findall(query.expr)
    }
    assert asked
    assert asked <= exported_names()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_panel_says_what_it_means(board: Board) -> None:
    assert all(
        panel.description.endswith(".") or "`" in panel.description for row in board.rows for panel in row.panels
    )


def test_boards_have_no_two_panels_of_one_id() -> None:
    for board in BOARDS:
        ids = [panel["id"] for panel in json.loads(as_json(board))["panels"]]
        assert len(ids) == len(set(ids))


def test_provisioned_data_source_is_the_one_that_the_boards_name() -> None:
    provisioned = yaml.safe_load((DASHBOARDS.parent / "provisioning/datasources/prometheus.yaml").read_text())
    assert provisioned["datasources"][0]["uid"] == "prometheus"
