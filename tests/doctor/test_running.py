"""What is said about workers, lag, the registry and a worker's pages; pages are asked over real HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streams.doctor.finding import Level
from streams.doctor.running import lag, members, registry, this_worker
from streams.lookup.pipeline import Member, Pipeline
from streams.settings import Settings

BUSY, IDLE = Member("w", "10.0.0.1", 4), Member("w", "10.0.0.2", 0)


def pipeline(*found: Member, behind: int = 0) -> Pipeline:
    return Pipeline("paystate", "stable", found, {}, {("payments.raw.v1", 0): behind, ("payments.raw.v1", 1): 0})


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """A server that gives one answer to everything; yields its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as http.server names it
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_no_worker_is_a_warning_that_says_how_to_start_one() -> None:
    found = members(pipeline())
    assert found.level is Level.WARN
    assert "paystate worker" in found.advice


def test_a_worker_without_partitions_is_one_too_many() -> None:
    assert members(pipeline(BUSY)).level is Level.OK
    assert members(pipeline(BUSY, IDLE)).level is Level.WARN


def test_two_members_of_one_name_are_told_with_what_comes_of_it() -> None:
    """Each claims the transactional id from the other; one of them may be dead and not given up yet."""
    rows = [Member("paystate/0.1.0/form-1/w", host, 2) for host in ("10.0.0.1", "10.0.0.2")]
    found = members(pipeline(*rows))
    assert found.level is Level.WARN
    assert "w on 10.0.0.1 (2 partitions), w on 10.0.0.2" in found.found
    assert "w is there more than once" in found.advice
    assert members(pipeline(rows[0], Member("paystate/0.1.0/form-1/v", "10.0.0.2", 2))).level is Level.OK


def test_lag_is_told_by_partition_with_what_to_do() -> None:
    assert lag(pipeline(BUSY)).level is Level.OK
    behind, alone = lag(pipeline(BUSY, behind=7)), lag(pipeline(behind=7))
    assert (behind.level, alone.level) == (Level.WARN, Level.WARN)
    assert "payments.raw.v1[0] 7" in behind.found
    assert "paystate worker" in alone.advice


@pytest.mark.parametrize(("status", "level"), [(200, Level.OK), (503, Level.FAIL), (404, Level.FAIL)])
def test_a_worker_that_is_not_ready_says_why(status: int, level: Level) -> None:
    with answering(status, b'{"reason": "partition 3 is restored"}') as port:
        found = this_worker(Settings(web_port=port))
    assert found.level is level
    assert ("partition 3" in found.found) is (status == 503)


def test_pages_that_do_not_answer_though_somebody_listens_are_those_of_a_worker_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.doctor.running._TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = this_worker(Settings(web_port=silent.getsockname()[1]))
    assert found.level is Level.FAIL
    assert "though somebody listens there" in found.found


def test_pages_that_nobody_serves_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, b"") as port:
        pass
    assert this_worker(Settings(web_port=port)).level is Level.WARN
    assert this_worker(Settings(web_port=0)).level is Level.SKIP


@pytest.mark.parametrize(
    ("status", "body", "level"),
    [(200, b'["a", "b"]', Level.OK), (200, b"<html>", Level.FAIL), (401, b"[]", Level.FAIL)],
)
def test_a_registry_must_answer_with_its_subjects(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, level: Level
) -> None:
    with answering(status, body) as port:
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", f"http://127.0.0.1:{port}")
        assert registry(Settings()).level is level


def test_no_registry_is_no_problem_and_a_file_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    assert registry(Settings()).level is Level.OK
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "file:///etc/passwd")
    assert registry(Settings()).level is Level.FAIL
