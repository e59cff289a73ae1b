"""What a worker shows over HTTP: /metrics for Prometheus, /live and /ready for a supervisor, /status for a person.

A supervisor restarts a worker that is not live and sends no traffic to one that is not ready; both answer 503 with the
reason. Nothing here changes anything, and nothing names a payment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web
from mode import Service
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from streams.engine.status import EngineStatus
from streams.settings import PREFIX, SettingsError

log = logging.getLogger(__name__)

Status = Callable[[], EngineStatus]
_UNAVAILABLE: Final = 503


def pages(status: Status, registry: CollectorRegistry) -> web.Application:
    """The pages of one worker. ``status`` is asked at every request."""

    async def live(_request: web.Request) -> web.Response:
        now = status()
        return _verdict(good=now.live, state=now.state, reason="" if now.live else now.reason)

    async def ready(_request: web.Request) -> web.Response:
        now = status()
        return _verdict(good=now.ready, state=now.state, reason=now.reason)

    async def whole(_request: web.Request) -> web.Response:
        return web.json_response(asdict(status()))

    app = web.Application()
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    app.router.add_get("/live", live)
    app.router.add_get("/ready", ready)
    app.router.add_get("/status", whole)
    return app


def _verdict(*, good: bool, state: str, reason: str) -> web.Response:
    return web.json_response({"ok": good, "state": state, "reason": reason}, status=200 if good else _UNAVAILABLE)


class StatusServer(Service):  # type: ignore[misc]  # mode is not typed: its classes are Any to mypy
    """Serves the pages while the worker runs, restores included; ``port`` 0 takes any free one."""

    def __init__(self, app: web.Application, host: str, port: int, **options: Any) -> None:
        super().__init__(**options)
        self._runner = web.AppRunner(app, access_log=None)
        self._host = host
        self._port = port
        self.address = ""

    async def on_start(self) -> None:
        """Listen. Raises SettingsError if that cannot be done."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError(
                f"cannot listen at {self._host}:{self._port}: {error.strerror or error}. Each worker needs a "
                f"port of its own: set {PREFIX}WEB_PORT (0: any free one) or {PREFIX}WEB_HOST"
            ) from error
        host, port, *_ = self._runner.addresses[0]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        log.info("metrics and status at %s", self.address)

    async def on_stop(self) -> None:
        """Answer what was asked, then stop listening."""
        await self._runner.cleanup()
