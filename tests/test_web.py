"""The worker's pages say what the engine says: nothing is ready that is not, and nothing is live that is dead."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.engine.status import EngineState, EngineStatus, InputStatus, PartitionStatus
from streams.forms import FORMS, Writing
from streams.metrics import PipelineMetrics
from streams.settings import MetricsSettings, SettingsError
from streams.web import StatusServer, pages
from streams.worker import about_release
from tests.evolution.releases import NEXT

INPUT = InputStatus("payments.raw.v1", 0, 10, 2, 0, 0, False, 1_795_521_600_000_000)
PARTITION = PartitionStatus(0, "active", (), 0, False, 1_795_521_600_000, (INPUT,), {"payments.state.v1": 7})
WELL = EngineStatus(
    EngineState.RUNNING, True, True, "", "paystate", "member-1", "consumer", (PARTITION,), 3, 0, 1, 0.01, ""
)
RESTORING = replace(WELL, ready=False, reason="partition 0 is being restored, 12 records to go")
DEAD = replace(WELL, state=EngineState.FAILED, live=False, ready=False, reason="StoreError: no space left")


def get(path: str, status: EngineStatus, accept: str = "*/*") -> tuple[int, str, str]:
    """HTTP status, content type and body of one page."""

    async def ask() -> tuple[int, str, str]:
        app = pages(lambda: status, PipelineMetrics(MetricsSettings()).registry)
        async with TestClient(TestServer(app)) as client:
            response = await client.get(path, headers={"Accept": accept})
            return response.status, response.content_type, await response.text()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/live", WELL, 200),
        ("/ready", WELL, 200),
        ("/live", RESTORING, 200),
        ("/ready", RESTORING, 503),
        ("/live", DEAD, 503),
        ("/ready", DEAD, 503),
    ],
)
def test_a_page_answers_503_exactly_when_the_engine_says_no(path: str, status: EngineStatus, expected: int) -> None:
    code, _, body = get(path, status)
    assert (code, json.loads(body)["ok"]) == (expected, expected == 200)


def test_a_worker_that_is_not_ready_says_why() -> None:
    _, _, body = get("/ready", RESTORING)
    assert json.loads(body) == {"ok": False, "state": "running", "reason": RESTORING.reason}


def test_a_live_worker_gives_no_reason_for_being_dead() -> None:
    _, _, body = get("/live", RESTORING)
    assert json.loads(body)["reason"] == ""


def test_status_is_everything_that_the_engine_knows() -> None:
    code, kind, body = get("/status", WELL)
    told: dict[str, Any] = json.loads(body)
    assert (code, kind, told["state"], told["units"]) == (200, "application/json", "running", 3)
    assert told["partitions"][0]["inputs"][0]["lag"] == 2
    assert told["partitions"][0]["marks"] == {"payments.state.v1": 7}


def test_status_tells_the_release_and_the_form_that_is_written_now() -> None:
    writing = Writing(NEXT, FORMS.newest.number)

    async def ask() -> list[dict[str, Any]]:
        app = pages(lambda: WELL, PipelineMetrics(MetricsSettings()).registry, partial(about_release, writing))
        async with TestClient(TestServer(app)) as client:
            before = await (await client.get("/status")).json()
            writing.rise_to(NEXT.newest.number)  # an upgrade is finished while it runs
            return [before, await (await client.get("/status")).json()]

    before, after = asyncio.run(ask())
    own = FORMS.newest.number
    assert (before["release"], before["form"]) == ("98.0.0", {"writes": own, "reads": own + 1})
    assert after["form"]["writes"] == own + 1


def test_metrics_are_served_as_prometheus_text_and_as_openmetrics() -> None:
    code, kind, body = get("/metrics", WELL)
    assert (code, kind) == (200, "text/plain")
    assert "payments_rebalances_total 0.0" in body
    code, kind, body = get("/metrics", WELL, "application/openmetrics-text; version=1.0.0")
    assert (code, kind) == (200, "application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_the_server_takes_a_free_port_and_says_which() -> None:
    async def ask() -> str:
        server = StatusServer(pages(lambda: WELL, PipelineMetrics(MetricsSettings()).registry), "127.0.0.1", 0)
        async with server:
            return server.address

    address = asyncio.run(ask())
    assert address.startswith("http://127.0.0.1:")
    assert int(address.rpartition(":")[2]) > 0


def refusal(address: str) -> str:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address, timeout=30)  # noqa: S310 -- our own server
    return refused.value.read().decode()


def test_pages_are_answered_while_an_agent_holds_the_event_loop() -> None:
    async def ask() -> str:
        server = StatusServer(pages(lambda: RESTORING, PipelineMetrics(MetricsSettings()).registry), "127.0.0.1", 0)
        async with server:
            # This thread is the event loop's: while it waits here, nothing else runs in the loop.
            return refusal(f"{server.address}/ready")

    assert json.loads(asyncio.run(ask()))["reason"] == RESTORING.reason


def test_a_port_that_is_taken_is_told_with_the_setting_to_change() -> None:
    async def start_twice() -> None:
        first = StatusServer(pages(lambda: WELL, PipelineMetrics(MetricsSettings()).registry), "127.0.0.1", 0)
        async with first:
            port = int(first.address.rpartition(":")[2])
            app = pages(lambda: WELL, PipelineMetrics(MetricsSettings()).registry)
            await StatusServer(app, "127.0.0.1", port).on_start()

    with pytest.raises(SettingsError, match="PAYSTATE_WEB_PORT"):
        asyncio.run(start_twice())
