"""The brokers of a run: one or three real ones, each worker's way to them, and the disks that can be filled."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka.admin import AdminClient

from streams.broker.embedded import EmbeddedBroker

from .proxy import Mood, Proxy

_HEAP_MIB_OF_THREE: Final = 320
_QUESTION_S: Final = 10.0
_CHUNK: Final = 1 << 20
_THREE: Final[Mapping[str, str]] = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    # A broker that is gone is noticed after this time; the default of 9 s would be most of the time of a run. Shorter,
    # or with the controllers' defaults, three brokers on two busy cores take one another for dead and never settle.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    "controller.quorum.fetch.timeout.ms": "4000",
    "controller.quorum.election.timeout.ms": "2000",
}


@dataclass
class Disk:
    """A small disk of its own (tmpfs), to be filled."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            for size in (_CHUNK, 4096, 1):
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(size)) == size:
                        pass

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, size_mib: int) -> Iterator[Disk]:
    """A disk mounted at ``folder`` while the block runs. Raises OSError where one may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounting.returncode:
        raise OSError(f"no small disk at {folder}: {mounting.stderr.strip()}. Mounting needs root; leave out the fault")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@dataclass
class Cluster:
    """``seats``: names of workers that have a listener and a proxy of their own, so that one alone can be cut off."""

    folder: Path
    size: int = 1
    seats: Sequence[str] = ()
    brokers: list[EmbeddedBroker] = field(default_factory=list)
    _ports: list[int] = field(default_factory=list)
    _proxies: dict[str, list[Proxy]] = field(default_factory=dict)

    def __enter__(self) -> Cluster:
        bare = [EmbeddedBroker(self.folder / f"broker-{number}") for number in range(1, self.size + 1)]
        ports = [broker.ports() for broker in bare]
        self._ports = [port for port, _ in ports]
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, (_, port) in enumerate(ports, 1))
        for number, (broker, (port, controller_port)) in enumerate(zip(bare, ports, strict=True), 1):
            settings = {"node.id": str(number), "controller.quorum.voters": voters, **(_THREE if self.size > 1 else {})}
            settings |= self._listeners(port, controller_port)
            heap_mib = 512 if self.size == 1 else _HEAP_MIB_OF_THREE
            self.brokers.append(EmbeddedBroker(broker.folder, settings=settings, heap_mib=heap_mib))
        self.start_all()
        return self

    def __exit__(self, *_: object) -> None:
        for broker in self.brokers:
            broker.kill()
        for proxies in self._proxies.values():
            for proxy in proxies:
                proxy.close()

    def _listeners(self, port: int, controller_port: int) -> dict[str, str]:
        """The broker's own address, and one a seat that is only known through its proxy."""
        listeners = [f"PLAINTEXT://127.0.0.1:{port}", f"CONTROLLER://127.0.0.1:{controller_port}"]
        advertised = [f"PLAINTEXT://127.0.0.1:{port}"]
        protocols = ["CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT"]
        for seat in self.seats:
            target = _free_port()
            proxy = Proxy(target)
            self._proxies.setdefault(seat, []).append(proxy)
            listeners.append(f"{seat.upper()}://127.0.0.1:{target}")
            advertised.append(f"{seat.upper()}://127.0.0.1:{proxy.port}")
            protocols.append(f"{seat.upper()}:PLAINTEXT")
        return {
            "listeners": ",".join(listeners),
            "advertised.listeners": ",".join(advertised),
            "listener.security.protocol.map": ",".join(protocols),
        }

    @property
    def client(self) -> dict[str, Any]:
        """For whoever is never cut off."""
        return {"bootstrap.servers": ",".join(f"127.0.0.1:{port}" for port in self._ports)}

    def servers_of(self, seat: str) -> str:
        """Where a worker finds the brokers."""
        proxies = self._proxies.get(seat)
        return str(self.client["bootstrap.servers"]) if proxies is None else _addresses(proxies)

    def start_all(self) -> None:
        """Start what does not run, all at once: one of three alone is never ready."""
        with ThreadPoolExecutor(len(self.brokers)) as starting:
            for _ in starting.map(EmbeddedBroker.start, self.brokers):
                pass

    def freeze(self, number: int = 0) -> None:
        """SIGSTOP."""
        self._signal(number, signal.SIGSTOP)

    def thaw(self, number: int = 0) -> None:
        """SIGCONT."""
        self._signal(number, signal.SIGCONT)

    def _signal(self, number: int, which: signal.Signals) -> None:
        running = self.brokers[number].status()
        if running is not None:
            os.kill(running.pid, which)

    def be(self, mood: Mood, seats: Sequence[str]) -> None:
        """How the network is for these workers, from now on."""
        for seat in seats:
            for proxy in self._proxies[seat]:
                proxy.be(mood)

    # -- who leads what (three brokers)

    def leader_of(self, topic: str, partition: int) -> int:
        """The number (from 0) of the broker that leads a partition."""
        admin = AdminClient({**self.client, "log_level": 2})
        return int(admin.list_topics(topic, timeout=_QUESTION_S).topics[topic].partitions[partition].leader) - 1

    def coordinator_of(self, what: str, name: str) -> int:
        """The number of the broker that coordinates a group, or a transactional id."""
        topic = "__consumer_offsets" if what == "group" else "__transaction_state"
        admin = AdminClient({**self.client, "log_level": 2})
        partitions = admin.list_topics(topic, timeout=_QUESTION_S).topics[topic].partitions
        return int(partitions[abs(_java_hash(name)) % len(partitions)].leader) - 1


def _addresses(proxies: Sequence[Proxy]) -> str:
    return ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


def _java_hash(text: str) -> int:
    """As String.hashCode() has it: what Kafka finds a coordinator by."""
    value = 0
    for character in text:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value
