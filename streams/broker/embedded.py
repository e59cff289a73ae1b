"""A real Apache Kafka of our own: one folder, one process, started and stopped by us, found again by anybody.

The folder holds the log, the ports (chosen once and kept), the pid with its start time, and a lock that the JVM
inherits: Kafka itself does not refuse a second broker on the same folder, and two corrupt it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.broker.configuration import write_configuration
from streams.broker.jars import class_path
from streams.broker.java import BrokerError, find_java

#: Long enough for a log that a kill left behind to be checked.
READY_WITHIN_S: Final = 90.0
STOP_WITHIN_S: Final = 30.0
#: For a short life on a small machine: the second compiler and the parallel collector cost more than they give back
#: (measured: 45 % less CPU for start and load, docs/decisions/0004).
_JVM_FLAGS: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_HEAP_MIB: Final = 512
_POLL_S: Final = 0.1
#: Any 16 bytes in base64: nodes find one another by address, and there is no other cluster to tell ours from.
_CLUSTER_ID: Final = "cGF5c3RhdGUtYnJva2Vy"


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """A running broker."""

    bootstrap_servers: str
    pid: int
    folder: Path


class EmbeddedBroker:
    """The broker of one folder. Any process may ask for it; only one broker runs in a folder at a time.

    ``settings`` go over ours in the broker's own names, addresses among them, from its next start on.
    """

    def __init__(
        self,
        folder: Path,
        java: Path | None = None,
        settings: Mapping[str, str] | None = None,
        heap_mib: int = _HEAP_MIB,
    ) -> None:
        self.folder = folder.absolute()
        self._java = java
        self._settings = dict(settings or {})
        self._heap_mib = heap_mib

    @property
    def log_path(self) -> Path:
        """Where the broker writes what it has to say."""
        return self.folder / "broker.log"

    def status(self) -> BrokerInfo | None:
        """The running broker, or None."""
        state = self._state()
        if state is None or not _is_running(state["pid"], state["started_at"]):
            return None
        return BrokerInfo(f"127.0.0.1:{self.ports()[0]}", int(state["pid"]), self.folder)

    def start(self) -> BrokerInfo:
        """Start the broker, or find the one that runs or is starting; returns when it answers. Raises BrokerError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + READY_WITHIN_S
        while (running := self._running_or_launched()) is None:
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"another process holds {self.folder / 'lock'}, but no broker runs there: end that process "
                    "(`fuser` or `lsof` on the lock names it) and start again"
                )
            time.sleep(_POLL_S)
        self._await_ready(running)
        return running

    def _running_or_launched(self) -> BrokerInfo | None:
        """The broker that runs, or is launched now. None while another process holds the lock: it is launching one."""
        running = self.status()
        if running is not None:
            return running
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            # It may have been started and its launcher have gone since we looked.
            return self.status() or self._launch(lock.fileno())

    def stop(self) -> bool:
        """Stop the broker cleanly, by force after 30 s. False if none was running."""
        return self._end(signal.SIGTERM)

    def kill(self) -> bool:
        """Kill the broker at once, as a power cut would. False if none was running."""
        return self._end(signal.SIGKILL)

    def ports(self) -> tuple[int, int]:
        """The client's and the controller's port, chosen once: what is written into the log must stay true.

        Raises BrokerError if what was chosen cannot be read any more.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "ports.json"
        if path.exists():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                return int(kept["port"]), int(kept["controller_port"])
            except (ValueError, KeyError, TypeError) as error:
                raise BrokerError(
                    f"{path} is damaged ({error!r}): it must name the ports that the log was made with. "
                    f"Remove {self.folder} to begin with an empty broker"
                ) from error
        port, controller_port = _free_ports(2)
        _write(path, {"port": port, "controller_port": controller_port})
        return port, controller_port

    def _launch(self, lock: int) -> BrokerInfo:
        """With the lock held; the JVM inherits it and keeps it as long as it lives."""
        java, jars = find_java(self._java), class_path()
        port, controller_port = self.ports()
        properties, logging = write_configuration(self.folder, port, controller_port, self._settings)
        heap = f"-Xmx{self._heap_mib}m"
        command = [str(java), heap, *_JVM_FLAGS, f"-Dlog4j2.configurationFile={logging}", "-cp", jars]
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(command, properties)
        with (self.folder / "stdout.log").open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 -- our own command line
                [*command, "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
        started_at = psutil.Process(process.pid).create_time()
        _write(self.folder / "state.json", {"pid": process.pid, "started_at": started_at})
        return BrokerInfo(f"127.0.0.1:{port}", process.pid, self.folder)

    def _format(self, command: list[str], properties: Path) -> None:
        arguments = [*command, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(properties)]
        run = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603 -- our own command line
        if run.returncode:
            raise BrokerError(f"the broker's folder {self.folder} could not be formatted: {run.stdout}{run.stderr}")

    def _await_ready(self, broker: BrokerInfo) -> None:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.status() is None:
                raise BrokerError(f"the broker ended while it started: {self._last_words()}")
            try:
                admin.list_topics(timeout=2)
            except KafkaException:
                time.sleep(_POLL_S)
            else:
                return
        raise BrokerError(f"the broker did not answer within {READY_WITHIN_S:.0f} s: see {self.log_path}")

    def _last_words(self) -> str:
        for path in (self.log_path, self.folder / "stdout.log"):
            if path.exists() and (text := path.read_text(encoding="utf-8", errors="replace").strip()):
                return f"{text[-600:]} (more in {path})"
        return "it said nothing"

    def _end(self, with_signal: signal.Signals) -> bool:
        state = self._state()
        if state is None or not _is_running(state["pid"], state["started_at"]):
            return False
        process = psutil.Process(int(state["pid"]))
        try:
            process.send_signal(with_signal)
            if not _await_end(process, STOP_WITHIN_S):
                process.kill()
                _await_end(process, STOP_WITHIN_S)
        except psutil.NoSuchProcess:
            pass
        return True

    def _state(self) -> dict[str, float] | None:
        path = self.folder / "state.json"
        if not path.exists():
            return None
        try:
            state: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return None  # a power cut left it empty: nothing that it told of runs any more
        return state


def _is_running(pid: float, started_at: float) -> bool:
    """Whether that very process lives: pids are reused, and a zombie is dead."""
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - started_at) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _await_end(process: psutil.Process, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    started_at = process.create_time()
    while _is_running(process.pid, started_at):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(opened.getsockname()[1]) for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


def _write(path: Path, content: dict[str, float]) -> None:
    """Whole or not at all: another process may be reading."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)
