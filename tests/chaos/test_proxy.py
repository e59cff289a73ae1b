"""The proxy does to connections what its mood says, and gives back what it held when the mood is fair again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from .proxy import Mood, Proxy

_PATIENCE_S = 10.0
_NOTHING_S = 0.3


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says what it hears; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1_000):
                    connection.sendall(data)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    """A proxy before it."""
    proxy = Proxy(echo)
    yield proxy
    proxy.close()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), _PATIENCE_S)


def test_what_a_black_hole_swallowed_arrives_when_it_ends(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"before")
        assert connection.recv(100) == b"before"
        proxy.be(Mood.BLACK_HOLE)
        connection.sendall(b"within")
        connection.settimeout(_NOTHING_S)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        proxy.be(Mood.FAIR)
        connection.settimeout(_PATIENCE_S)
        assert connection.recv(100) == b"within"


def test_a_cut_ends_connections_and_refuses_new_ones_until_it_is_over(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"before")
        assert connection.recv(100) == b"before"
        proxy.be(Mood.CUT)
        assert _is_ended(connection)
    with connect(proxy) as refused:
        assert _is_ended(refused)
    proxy.be(Mood.FAIR)
    with connect(proxy) as connection:
        connection.sendall(b"after")
        assert connection.recv(100) == b"after"


def test_a_slow_network_loses_nothing(proxy: Proxy) -> None:
    proxy.be(Mood.SLOW)
    with connect(proxy) as connection:
        connection.sendall(b"late")
        assert connection.recv(100) == b"late"


def _is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True
