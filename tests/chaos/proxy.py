"""A TCP proxy before a broker that can be told to be slow, to cut its connections or to swallow everything."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from enum import Enum
from typing import Any, Final

_CHUNK: Final = 65_536


class Mood(Enum):
    """What becomes of bytes: passed on, passed on late, connections refused and cut, or nothing passed at all."""

    FAIR = "fair"
    SLOW = "slow"
    CUT = "cut"
    BLACK_HOLE = "black-hole"


class Proxy:
    """Listens on ``port`` (chosen when it is made) and speaks to ``target`` on this machine, in a thread of its own.

    In a black hole bytes wait, as packets that are sent again do: they are delivered when it ends, if their connection
    still stands.
    """

    def __init__(self, target: int, delay_s: float = 0.15) -> None:
        self._target = target
        self._delay_s = delay_s
        self._mood = Mood.FAIR
        self._passable = asyncio.Event()
        self._passable.set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._pairs: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()

    def be(self, mood: Mood) -> None:
        """Change the mood, of open connections too."""
        self._loop.call_soon_threadsafe(self._become, mood)

    def _become(self, mood: Mood) -> None:
        self._mood = mood
        if mood is Mood.BLACK_HOLE:
            self._passable.clear()
        else:
            self._passable.set()
        if mood is Mood.CUT:
            self._cut()

    def close(self) -> None:
        """End all connections and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accepted, sock=self._socket))
        self._loop.run_forever()
        server.close()
        self._cut()
        self._loop.run_until_complete(asyncio.gather(*self._pairs, return_exceptions=True))
        self._loop.close()

    def _cut(self) -> None:
        for pair in self._pairs:
            pair.cancel()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mood is Mood.CUT:
            writer.transport.abort()
            return
        pair = asyncio.ensure_future(self._pass_on(reader, writer))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions, until one of them ends or they are cut."""
        there: asyncio.StreamWriter | None = None
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self._target)
            await _first_of(self._copy(reader, there), self._copy(back, writer))
        except (OSError, asyncio.CancelledError):
            pass  # the broker is away, or the connection was cut: what the proxy is for
        finally:
            writer.transport.abort()
            if there is not None:
                there.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            await self._passable.wait()
            if self._mood is Mood.SLOW:
                await asyncio.sleep(self._delay_s)
            sink.write(data)
            await sink.drain()


async def _first_of(*copies: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(copy) for copy in copies]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
