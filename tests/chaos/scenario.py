"""One run: a cluster, workers, load, the faults of a seed, rest, and the judgement of what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from schemas.apply import apply
from streams.app import group_of, policy_of
from streams.cluster import Cluster as Reached
from streams.demo.judgement import Course, Summary, judge, outcome
from streams.doctor.finding import Level
from streams.doctor.workers import workers_here
from streams.lookup.log import CommittedLog
from streams.quiet import NotQuietError
from streams.settings import Settings
from streams.topics import topics_of
from streams.verify.cluster import rest, verify_cluster
from tests.evolution.releases import RELEASES

from .cluster import Cluster, disk
from .crew import Crew, wait_until
from .faults import clock_file, inflict, set_clock
from .field import ACTIVE_WITHIN_S, Field
from .load import Load
from .recovery import Recoveries
from .rolling import forms_written
from .schedule import NETWORK, SPARE, THREE_BROKERS, WORKERS, Fault, Step, schedule
from .supervised_worker import PRELOADED

PARTITIONS: Final = 4
SESSION_TIMEOUT_S: Final = 6.0
_KEY: Final = "chaos: the same key for every worker of a run"
_RECOVERED_WITHIN_S: Final = 60.0
_REST_WITHIN_S: Final = 240.0
_DISK_MIB: Final = 400
_LIBRARIES: Final = Path("/usr/lib")
_FAKETIME: Final = "*/faketime/libfaketimeMT.so.1"

Say = Callable[[str], None]


class NotPossibleError(RuntimeError):
    """This machine cannot do what a fault needs; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Options:
    """One run. ``rate``: messages a second; ``payments``: of each company that speaks."""

    seed: int
    faults: tuple[Fault, ...]
    steps: int = 30
    rate: int = 80
    payments: int = 500

    @property
    def arguments(self) -> str:
        """What ``make chaos ARGS=`` takes to do the same."""
        return (
            f"--seed {self.seed} --steps {self.steps} --faults {','.join(self.faults)} "
            f"--rate {self.rate} --payments {self.payments}"
        )


def run(options: Options, folder: Path, say: Say) -> dict[str, Any]:
    """Everything that is to be said of one run. Raises NotPossibleError, OSError before anything has been started."""
    began_s = time.monotonic()
    steps = schedule(options.seed, options.faults, options.steps)
    with ExitStack() as opened:
        world = _World(options, folder, opened)
        for step in steps:
            say(str(step))
            world.go(step)
        say("resting")
        at_rest = world.rest()
        say(at_rest or "at rest; verifying")
        summary = world.judge()
    return _line(options, world, summary, at_rest, time.monotonic() - began_s)


class _World:
    """What a run has started."""

    def __init__(self, options: Options, folder: Path, opened: ExitStack) -> None:
        faults = frozenset(options.faults)
        self._options = options
        self._clocks = _faketime() if Fault.CLOCK in faults else None
        self.settings = Settings(
            data_dir=folder, partitions=PARTITIONS, account_hash_key=SecretStr(_KEY), instance="", web_port=0
        )
        store_disk = (
            opened.enter_context(disk(self.settings.store_dir, _DISK_MIB)) if Fault.STORE_DISK in faults else None
        )
        under_log = folder / "broker-1" / "data"
        broker_disk = opened.enter_context(disk(under_log, _DISK_MIB)) if Fault.BROKER_DISK in faults else None
        size = 3 if faults & THREE_BROKERS else 1
        seats = (*WORKERS, SPARE) if faults & NETWORK else ()
        self.cluster = opened.enter_context(Cluster(folder, size, seats))
        self.client = self.cluster.client
        apply(Reached(self.settings, self.client).admin(), PARTITIONS)
        topics = topics_of(1)
        self.recoveries = opened.enter_context(Recoveries(self.client, topics.state.kafka_name, PARTITIONS))
        self.crew = Crew(folder / "crew", self._environment)
        opened.callback(self.crew.end)
        self.load = Load(self.client, self.settings.archive, options.seed, options.payments, options.rate)
        group = group_of(self.settings)
        self.field = Field(
            cluster=self.cluster,
            crew=self.crew,
            recoveries=self.recoveries,
            topics=topics,
            group=group,
            partitions=PARTITIONS,
            stores=self.settings.store_dir / group,
            copies=folder / "copies",
            store_disk=store_disk,
            broker_disk=broker_disk,
        )
        self.slow: list[str] = []
        #: States that were published, by the form they are in.
        self.forms: dict[int, int] = {}
        self._begin()

    def _begin(self) -> None:
        for name in WORKERS:
            if self._clocks is not None:
                set_clock(self.crew.folder, name, "+0")
            self.crew.start(name)
        self.load.start()
        if not self.crew.await_active(WORKERS, ACTIVE_WITHIN_S):
            raise RuntimeError(f"the workers have not shared the work: see {self.crew.folder}")

    def _environment(self, name: str) -> Mapping[str, str]:
        own = {
            "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS": self.cluster.servers_of(name),
            "PAYSTATE_DATA_DIR": str(self.settings.data_dir),
            "PAYSTATE_PARTITIONS": str(PARTITIONS),
            "PAYSTATE_ACCOUNT_HASH_KEY": _KEY,
            "PAYSTATE_WEB_PORT": "0",
        }
        if self._clocks is not None and name != SPARE:
            own |= {
                PRELOADED: self._clocks,
                "FAKETIME_TIMESTAMP_FILE": str(clock_file(self.crew.folder, name)),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        return own

    def go(self, step: Step) -> None:
        """One fault; then everything that it stopped has moved again, and every worker is back."""
        inflict(self.field, step)
        self.load.check()
        if not wait_until(lambda: not self.recoveries.is_open(), _RECOVERED_WITHIN_S):
            self.slow += [f"step {step}: {left}" for left in self.recoveries.give_up()]
        self.crew.await_active(WORKERS, ACTIVE_WITHIN_S)

    def rest(self) -> str:
        """Return when everything that was said has been taken; what is left, if it is not."""
        self.load.finish()
        try:
            rest(self.client, self.settings, _REST_WITHIN_S)
        except NotQuietError as error:
            return str(error)
        # One whose client has lost Kafka is about to end, and could not finish its unit if it were told to stop.
        if not wait_until(lambda: not any(self._unwell()), ACTIVE_WITHIN_S):
            self.slow += list(self._unwell())
        if Fault.STORE_DAMAGE in self._options.faults:
            self._open_all_stores()
        for name in self.crew.names:
            self.crew.stop(name)
        return ""

    def _unwell(self) -> Iterator[str]:
        """What doctor says of workers that do not do their work."""
        for found in workers_here(self.settings.data_dir / "workers"):
            if found.level is Level.FAIL:
                yield f"{found.name} at rest: {found.found}"

    def _open_all_stores(self) -> None:
        """Each worker alone for once: it opens all of its stores, the damaged ones too, and brings them up to date."""
        names = self.crew.names
        for name in names:
            self.crew.stop(name)
        for name in names:
            self.crew.start(name)
            wait_until(lambda alone=name: self._runs_all(alone), ACTIVE_WITHIN_S)  # type: ignore[misc]  # a default binds it
            self.crew.stop(name)

    def _runs_all(self, name: str) -> bool:
        card = self.crew.card(name)
        return card is not None and len(card.active) == PARTITIONS

    def judge(self) -> Summary:
        """The verifier's word and the truth's."""
        truth = self.load.truth
        truth.dead_letters += self.field.poisoned
        report = verify_cluster(self.client, self.settings, RELEASES[self.crew.release])
        self.forms = forms_written(self.client)
        found = outcome(CommittedLog(self.client), self.field.topics, policy_of(self.settings))
        kills = sum(self.crew.kills.values())
        course = Course(0.0, 0.0, 0.0, 0.0, killed=kills, restarts=sum(self.crew.exits().values()))
        return judge(truth, found, report, course)


def _faketime() -> str:
    found = sorted(_LIBRARIES.glob(_FAKETIME))
    if not found:
        raise NotPossibleError("no libfaketime: install the package faketime, or leave out the fault `clock`")
    return str(found[0])


def _line(options: Options, world: _World, summary: Summary, at_rest: str, duration_s: float) -> dict[str, Any]:
    """The run as one JSON object."""
    crew, here = world.crew, world.field
    judged = summary.as_json()
    kept = ("lost", "repeated", "reordered", "wrong_state", "store_mismatch", "duplicates", "dead_letters", "waiting")
    measured = {what: [round(each, 2) for each in all_s] for what, all_s in sorted(world.recoveries.measured_s.items())}
    return {
        "ok": summary.ok and not at_rest and not world.slow and not crew.bad_exits,
        "seed": options.seed,
        "arguments": options.arguments,
        "faults": {fault.value: here.done.get(fault, 0) for fault in options.faults},
        "events": summary.inputs,
        **{name: judged[name] for name in kept},
        "recovery_s": measured,
        "recoveries_interrupted": world.recoveries.interrupted,
        "kills": sum(crew.kills.values()),
        "kills_by_point": dict(sorted(crew.kills.items())),
        "handovers": crew.handovers(),
        "zombies": here.done.get(f"struck: {Fault.ZOMBIE}", 0)
        + here.done.get(f"struck: {Fault.TRANSACTION_TIMEOUT}", 0),
        "details": {what: times for what, times in here.done.items() if ": " in what},
        "exits": dict(sorted(crew.exits().items())),
        "forms": world.forms,
        "points_not_met": dict(Counter(here.unheard)),
        "not_recovered": world.slow,
        "not_at_rest": at_rest,
        "bad_exits": crew.bad_exits,
        "payments": summary.payments.found,
        "transitions": summary.transitions,
        "stores": summary.stores,
        "said_again": world.load.said_again,
        "expected": judged["expected"],
        "differences": judged["differences"],
        "findings": judged["findings"],
        "steps": options.steps,
        "duration_s": round(duration_s, 1),
    }
