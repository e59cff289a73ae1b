"""Checks of the workers of this machine: what each says of itself now, or wrote down before it ended or hung."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import psutil

from streams.doctor.finding import Finding, fail, ok, warn
from streams.logbook import Entry, Failure, entries
from streams.settings import PREFIX

_ANSWERS_WITHIN_S: Final = 5.0
_RECENT_S: Final = 600.0
_FORGOTTEN_S: Final = 86_400.0
_SEE_LOG: Final = "see its log; started again it goes on from what is committed"
_ADVICE: Final[Mapping[str, str]] = {
    "BreakerOpen": "undo the last release or setting; `paystate dlq list` shows what was refused before; if the "
    f"records are wrong and not the release, raise {PREFIX}ENGINE__BREAKER_PERCENT (docs/runbooks/dead-letters.md)",
    "ProducerFenced": "another process has taken its name, or it stood still for longer than a transaction may: it "
    "goes on when it is started again; if that repeats, look for a second worker of that name",
    "ClientLost": "started again it has new clients; if that repeats, look at the brokers' coordinators (docs/runbooks/"
    "worker-not-ready.md)",
    "StoreError": "see `store folder` and `stores`; a store that cannot be used is made anew at the next start",
    "LostInput": "nothing is read on until somebody decides: what it says tells how",
}


def workers_here(folder: Path, clock: float | None = None) -> Iterator[Finding]:
    """One finding a worker that runs here or has ended without being told to."""
    now_s = time.time() if clock is None else clock
    for entry in entries(folder):
        if entry.is_here:
            found = _of(entry, now_s)
            if found is not None:
                yield found


def _of(entry: Entry, now_s: float) -> Finding | None:
    process = entry.process()
    if process is not None and not entry.ended:
        return _running(entry, process, now_s)
    name = f"worker {entry.name}"
    last = entry.failures[-1] if entry.failures else None
    if not entry.ended:
        return warn(name, f"process {entry.pid} is gone and said no last word: it was killed or ended hard", _SEE_LOG)
    if last is None or now_s - last.at_s > _FORGOTTEN_S:
        return None
    return fail(name, f"does not run: {_told(last, now_s)}", _advice(last.reason))


def _running(entry: Entry, process: psutil.Process, now_s: float) -> Finding:
    name = f"worker {entry.name}"
    where = f"process {entry.pid}"
    if process.status() == psutil.STATUS_STOPPED:
        advice = f"kill -CONT {entry.pid}, or kill it: the group gives its work away when its session ends"
        return fail(name, f"{where} is stopped (SIGSTOP or a debugger): it is a zombie to the group", advice)
    if not entry.address:
        return warn(name, f"{where} is starting: it serves no pages yet", "it waits for Kafka, if long: see its log")
    try:
        status = _status(entry.address)
    except (OSError, ValueError) as error:
        found = f"{where} runs, but {entry.address} does not answer ({getattr(error, 'reason', error)})"
        return fail(name, found, f"it hangs as a whole: kill it, and let its supervisor start it again; {_SEE_LOG}")
    writes = status.get("form", {}).get("writes", "?")
    told = f"{where}, paystate {status.get('release', '?')}, writes form {writes}"
    if not status["ready"]:
        return fail(name, f"{told}: not ready: {status['reason']}", _advice(status["reason"]))
    recent = [failure for failure in entry.failures if now_s - failure.at_s < _RECENT_S]
    if recent:
        again = f"ready, but it ended {len(recent)} times in the last {_RECENT_S / 60:.0f} minutes: "
        return warn(name, f"{told}: {again}{_told(recent[-1], now_s)}", _advice(recent[-1].reason))
    return ok(name, f"{told}: ready")


def _told(failure: Failure, now_s: float) -> str:
    return f"{now_s - failure.at_s:.0f} s ago with status {failure.status}: {failure.reason or 'no reason was told'}"


def _advice(reason: str) -> str:
    return next((advice for word, advice in _ADVICE.items() if word in reason), f"{_SEE_LOG}; see its /status")


def _status(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/status", timeout=_ANSWERS_WITHIN_S) as answer:  # noqa: S310 -- a worker's own
        status: dict[str, Any] = json.loads(answer.read())
    return status
