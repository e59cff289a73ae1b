"""Schema registries for tests: one in memory, and one that speaks the registry's REST protocol on a local port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from schemas.compatibility import Mode, differences


class FakeIds:
    """A registry in memory: ids in the order of registration, from 101 on."""

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        self.subjects: list[str] = []

    def id_of(self, subject: str, schema: str) -> int:
        self.subjects.append(subject)
        for schema_id, known in self.schemas.items():
            if known == schema:
                return schema_id
        schema_id = 101 + len(self.schemas)
        self.schemas[schema_id] = schema
        return schema_id

    def schema_of(self, schema_id: int) -> str:
        return self.schemas[schema_id]


class RegistryServer:
    """What the REST protocol needs for our use of it; ``requests`` are (method, path) as they came.

    Compatibility is enforced where a level is set, as the real registry does it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, str]] = []
        self.credentials: set[str | None] = set()
        self.levels: dict[str, Mode] = {}
        self.subjects: dict[str, list[int]] = {}
        self.schemas: dict[int, str] = {}
        self.fail_with: int | None = None

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of one request."""
        self.requests.append((method, path))
        if self.fail_with is not None:
            return self.fail_with, {"error_code": self.fail_with * 100, "message": "not today"}
        match method, [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]:
            case "GET", ["schemas", "ids", number]:
                found = self.schemas.get(int(number))
                return (200, {"schema": found}) if found else (404, _error(40403, "Schema not found"))
            case "GET", ["subjects", subject, "versions"]:
                return self._of(subject, list(range(1, 1 + len(self.subjects.get(subject, ())))))
            case "GET", ["subjects", subject, "versions", version]:
                return self._of(subject, self._registered(subject, int(version)))
            case "POST", ["subjects", subject]:
                return self._look_up(subject, body["schema"])
            case "POST", ["subjects", subject, "versions"]:
                return self._register(subject, body["schema"])
            case "PUT", ["config", subject]:
                self.levels[subject] = body["compatibility"]
                return 200, body
        return 404, _error(404, f"no {method} {path}")

    def _of(self, subject: str, found: Any) -> tuple[int, Any]:
        return (200, found) if subject in self.subjects else (404, _error(40401, f"Subject '{subject}' not found."))

    def _registered(self, subject: str, version: int) -> Any:
        if subject not in self.subjects:
            return None
        schema_id = self.subjects[subject][version - 1]
        return {"subject": subject, "version": version, "id": schema_id, "schema": self.schemas[schema_id]}

    def _look_up(self, subject: str, schema: str) -> tuple[int, Any]:
        for version, schema_id in enumerate(self.subjects.get(subject, ()), 1):
            if self.schemas[schema_id] == schema:
                return 200, self._registered(subject, version)
        return self._of(subject, None) if subject not in self.subjects else (404, _error(40403, "Schema not found"))

    def _register(self, subject: str, schema: str) -> tuple[int, Any]:
        earlier = [self.schemas[schema_id] for schema_id in self.subjects.get(subject, ())]
        level = self.levels.get(subject)
        if level is not None:
            changes = [row for old in earlier for row in differences(json.loads(old), json.loads(schema))]
            if any(row.is_breaking(level) for row in changes):
                return 409, _error(409, f"Schema being registered is incompatible with an earlier schema for {subject}")
        schema_id = 1 + len(self.schemas)
        self.schemas[schema_id] = schema
        self.subjects.setdefault(subject, []).append(schema_id)
        return 200, {"id": schema_id}


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error_code": code, "message": message}


@contextmanager
def serving() -> Iterator[RegistryServer]:
    """A registry on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            registry.credentials.add(self.headers.get("Authorization"))
            status, answer = registry.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815 -- the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry = RegistryServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
