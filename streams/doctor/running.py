"""Checks of what runs: the schema registry, the workers and their lag, this machine's worker, open dead letters."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from typing import Any, Final

from schemas.records import DeadLetter
from streams.dead_letters.letters import letters, selected
from streams.doctor.finding import Finding, fail, ok, skip, warn
from streams.engine import Topic
from streams.lookup.log import CommittedLog
from streams.lookup.pipeline import Pipeline
from streams.settings import PREFIX, Settings
from streams.upgrade.members import instance_of

_TIMEOUT_S: Final = 5.0
_UNAVAILABLE: Final = 503
_SHOWN: Final = 8


def registry(settings: Settings) -> Finding:
    """Whether the schema registry answers, if one is set."""
    url = settings.registry_url
    if url is None:
        return ok("schema registry", "none: records carry their schema's fingerprint")
    try:
        subjects = json.loads(_get(f"{url.rstrip('/')}/subjects"))
    except (OSError, ValueError) as error:
        return fail(
            "schema registry", f"{url}: {error}", "check SCHEMA_REGISTRY_URL, user and password in it, firewalls"
        )
    return ok("schema registry", f"{url} answers: {len(subjects)} subjects")


def members(now: Pipeline) -> Finding:
    """Who is in the group, and with how many partitions."""
    if not now.members:
        return warn("workers", f"group {now.group}: nobody ({now.state})", "start one: `paystate worker`")
    told = ", ".join(f"{instance_of(row.client_id)} on {row.host} ({row.partitions} partitions)" for row in now.members)
    twice = [name for name, count in Counter(instance_of(row.client_id) for row in now.members).items() if count > 1]
    if twice:
        advice = (
            f"{', '.join(twice)} is there more than once: one that was killed leaves when its session ends. If it "
            f"stays, two processes claim one transactional id and fence each other: give each its own {PREFIX}INSTANCE"
        )
        return warn("workers", f"group {now.group}, {now.state}: {told}", advice)
    idle = [row for row in now.members if row.partitions == 0]
    if idle:
        advice = f"{len(idle)} have nothing to do: more workers than partitions; stop them, or wait for the rebalance"
        return warn("workers", f"group {now.group}, {now.state}: {told}", advice)
    return ok("workers", f"group {now.group}, {now.state}: {told}")


def lag(now: Pipeline) -> Finding:
    """Records that no worker has taken yet, by input partition."""
    behind = {place: count for place, count in sorted(now.lag.items()) if count}
    if not behind:
        return ok("lag", "every record that came in has been taken")
    told = ", ".join(f"{topic}[{partition}] {count}" for (topic, partition), count in list(behind.items())[:_SHOWN])
    more = f" and {len(behind) - _SHOWN} more" if len(behind) > _SHOWN else ""
    found = f"{now.behind} records wait: {told}{more}"
    if now.members:
        return warn("lag", found, "look again: if it does not shrink, see the workers' log and /status; or start more")
    return warn("lag", found, "start a worker: `paystate worker`")


def this_worker(settings: Settings) -> Finding:
    """The worker that serves its pages at this machine's address."""
    if settings.web_port == 0:
        return skip("worker pages", f"{PREFIX}WEB_PORT is 0: each worker takes a free port and logs it")
    url = f"http://{settings.web_host}:{settings.web_port}/ready"
    try:
        _get(url)
    except urllib.error.HTTPError as error:
        reason = error.read(2_000).decode(errors="replace") if error.code == _UNAVAILABLE else str(error)
        return fail("worker pages", f"{url}: not ready: {reason}", "see its log and /status; a restore takes its time")
    except TimeoutError:
        found = f"{url}: no answer within {_TIMEOUT_S:.0f} s, though somebody listens there"
        return fail("worker pages", found, "it is stopped or hangs as a whole: kill it, its supervisor starts it again")
    except OSError as error:
        found = f"{url}: nobody answers ({getattr(error, 'reason', error)})"
        return warn("worker pages", found, f"start one here, or set {PREFIX}WEB_HOST and WEB_PORT to one that runs")
    return ok("worker pages", f"{url}: ready")


def dead_letters(log: CommittedLog, topic: Topic[DeadLetter]) -> Finding:
    """Records that could not be taken and that nobody has decided about."""
    waiting = selected(letters(log, topic))
    if not waiting:
        return ok("dead letters", "none is open")
    by_reason = Counter(letter.reason_class for letter in waiting)
    told = ", ".join(f"{reason} {count}" for reason, count in by_reason.most_common())
    return warn("dead letters", f"{len(waiting)} open: {told}", "`paystate dlq list` says why and what to do")


def _get(url: str) -> Any:
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected an address that begins with http:// or https://")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 -- the scheme is checked above
        return answer.read()
