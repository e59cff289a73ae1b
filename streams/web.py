"""What a worker shows over HTTP: /metrics for Prometheus, /live and /ready for a supervisor, /status for a person.

A supervisor restarts a worker that is not live and sends no traffic to one that is not ready; both answer 503 with the
reason. Nothing here changes anything, and nothing names a payment.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
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
About = Callable[[], Mapping[str, Any]]
_UNAVAILABLE: Final = 503


def pages(status: Status, registry: CollectorRegistry, about: About = dict) -> web.Application:
    """The pages of one worker. ``status`` is asked at every request, and ``about`` for what else /status shows."""

    async def live(_request: web.Request) -> web.Response:
        now = status()
        return _verdict(good=now.live, state=now.state, reason="" if now.live else now.reason)

    async def ready(_request: web.Request) -> web.Response:
        now = status()
        return _verdict(good=now.ready, state=now.state, reason=now.reason)

    async def whole(_request: web.Request) -> web.Response:
        return web.json_response({**about(), **asdict(status())})

    app = web.Application()
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    app.router.add_get("/live", live)
    app.router.add_get("/ready", ready)
    app.router.add_get("/status", whole)
    return app


def _verdict(*, good: bool, state: str, reason: str) -> web.Response:
    return web.json_response({"ok": good, "state": state, "reason": reason}, status=200 if good else _UNAVAILABLE)


class StatusServer(Service):  # type: ignore[misc]  # mode is not typed: its classes are Any to mypy
    """Serves the pages while the worker runs, restores included; ``port`` 0 takes any free one.

    In a thread of its own: the pages of a worker whose agent holds the event loop must say so. ``serves`` is told the
    address.
    """

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        serves: Callable[[str], None] = lambda _: None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._serves = serves
        self._runner = web.AppRunner(app, access_log=None)
        self._host = host
        self._port = port
        self._own_loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._own_loop.run_forever, name="pages", daemon=True)
        self.address = ""

    async def on_start(self) -> None:
        """Listen. Raises SettingsError if that cannot be done."""
        self._thread.start()
        try:
            host, port, *_ = await self._there(self._listen())
        except OSError as error:
            raise SettingsError(
                f"cannot listen at {self._host}:{self._port}: {error.strerror or error}. Each worker needs a "
                f"port of its own: set {PREFIX}WEB_PORT (0: any free one) or {PREFIX}WEB_HOST"
            ) from error
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        log.info("metrics and status at %s", self.address)
        self._serves(self.address)

    async def _listen(self) -> Any:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return self._runner.addresses[0]

    async def on_stop(self) -> None:
        """Answer what was asked, then stop listening."""
        if self._thread.is_alive():
            await self._there(self._runner.cleanup())
            self._own_loop.call_soon_threadsafe(self._own_loop.stop)
            self._thread.join()
        self._own_loop.close()

    async def _there(self, call: Coroutine[Any, Any, Any]) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._own_loop))
