"""The demo from end to end: a world, two workers, the real files, the simulated company, the judgement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from shlex import quote
from typing import Final

from rich.console import Console

from schemas.registry import registry_of
from streams.app import group_of, policy_of
from streams.demo import tell
from streams.demo.company import Company, company
from streams.demo.deadlines import PATIENCE_S, await_clock
from streams.demo.errors import DemoError
from streams.demo.judgement import Course, Summary, judge, outcome
from streams.demo.pulse import GONE, Pulse
from streams.demo.real_files import require_refused, take_in
from streams.demo.teller import Teller
from streams.demo.truth_file import together
from streams.demo.view import Scene, Tick, watched
from streams.demo.watch import Watcher
from streams.demo.workers import Workers
from streams.demo.world import World, world
from streams.domain.state import AlertKind, AlertState, Milestone, State
from streams.lookup.log import CommittedLog
from streams.lookup.names import match, names_of_state
from streams.lookup.payments import payment
from streams.lookup.story import story_of
from streams.quiet import NotQuietError, await_quiet
from streams.settings import PREFIX, Settings
from streams.topics import topics_of
from streams.verify.cluster import inputs_of, verify_cluster

#: How much of the company has spoken when --kill kills a worker.
_KILL_AT: Final = 0.4
_POLL_S: Final = 0.1
#: A syslog level. Our own broker ends while clients still have connections, which librdkafka calls an error.
_CRITICAL_ONLY: Final = 2
_ACTIVE_WITHIN_S: Final = 120.0
_REST_WITHIN_S: Final = 300.0
_REST_WITHIN_S_A_PAYMENT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """``rate``: records a second, 0 for as fast as possible."""

    payments: int = 20_000
    seed: int = 1
    rate: float = 0
    workers: int = 2
    kill: bool = False
    keep: bool = False


def run(options: Options, settings: Settings, console: Console) -> Summary:
    """Run it. Nothing is left running, whatever happens, but what ``keep`` asks for after a judgement.

    Raises DemoError and what the parts raise with a message for a person (cli.main.expected_errors).
    """
    began_s = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began_s:5.1f} s[/] {text}", highlight=False, soft_wrap=True)

    with world(settings, say) as here, ExitStack() as opened:
        teller = Teller(here.folder, here.environment, options.seed, options.payments, options.rate, PATIENCE_S)
        opened.callback(teller.stop)
        here.start(say)
        demo = _Demo(options, here, teller, console, say)
        with demo.running():
            demo.await_active()
            demo.real_files()
            demo.simulated_company()
            demo.clock()
            return demo.judgement(began_s)


@dataclass(slots=True)
class _Outage:
    """Partitions whose worker was killed, until somebody works on all of them again."""

    name: str
    partitions: frozenset[int]
    since_s: float = field(default_factory=time.monotonic)


class _Demo:
    """One run in its world."""

    def __init__(
        self, options: Options, here: World, teller: Teller, console: Console, say: Callable[[str], None]
    ) -> None:
        settings, cluster = here.settings, here.cluster
        self._options = options
        self._world = here
        self._settings = settings
        self._client = {**cluster.client, "log_level": _CRITICAL_ONLY}
        self._teller = teller
        self._console = console
        self._say = say
        self._group = group_of(settings)
        self._topics = topics_of(settings.generation, registry_of(settings.registry_url))
        self._company: Company = company()
        self._workers = Workers(here.environment, here.folder)
        self._watcher = Watcher(self._client, self._topics, [self._company.five_names_of])
        self._pulse = Pulse(self._client, self._group, self._topics, lambda: self._workers.addresses)
        self._outage: _Outage | None = None
        self._inputs_per_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Workers, watcher and pulse, as long as the block runs; the workers longer if they are kept."""
        with ExitStack() as opened:
            opened.callback(self._end_workers)
            for number in range(1, self._options.workers + 1):
                self._workers.start(f"demo-{number}")
            opened.callback(self._watcher.stop)
            self._watcher.start()
            opened.callback(self._pulse.stop)
            self._pulse.start()
            yield

    def _end_workers(self) -> None:
        if not self._world.kept:
            self._workers.stop()

    def await_active(self) -> None:
        """Return when the workers have shared the partitions. Raises DemoError."""
        deadline_s = time.monotonic() + _ACTIVE_WITHIN_S
        while not self._is_shared():
            if time.monotonic() > deadline_s:
                raise DemoError(
                    f"the workers have not shared the partitions after {_ACTIVE_WITHIN_S:.0f} s ({self._shares()}): "
                    f"see {self._logs}"
                )
            self._look_after()
            time.sleep(_POLL_S)
        self._say(f"{self._options.workers} workers: {self._shares()}")

    @property
    def _logs(self) -> str:
        return f"{self._world.folder}/demo-*.log"

    def _is_shared(self) -> bool:
        """Whether every partition has a worker, and every worker a partition if there are as many."""
        shares = [worker.active for worker in self._pulse.workers().values()]
        partitions = self._settings.partitions
        busy = sum(map(bool, shares))
        return sum(map(len, shares)) == partitions and busy == min(self._options.workers, partitions)

    def _shares(self) -> str:
        return ", ".join(
            f"{name} is {row.state}, has partitions {', '.join(map(str, row.active)) or 'none'}"
            for name, row in self._pulse.workers().items()
        )

    def _look_after(self) -> None:
        """Start again what ended, and notice what cannot be helped."""
        for name in self._workers.supervise():
            self._say(f"[yellow]{name} ended on its own and was started again[/]: see {self._logs}")
        self._watcher.check()
        self._teller.check()

    def real_files(self) -> None:
        """Act one. Raises DemoError, NotQuietError."""
        self._console.rule("real bank files, their approvals and releases", align="left")
        taken = take_in(self._world, lambda: self._kill(self._say))
        tell.show_files(self._console, taken)
        require_refused(taken, self._company.refused_files)
        self._rest(lambda: self._tick(lambda: None, self._say))
        self._await_recovery()
        log = CommittedLog(self._client)
        state = payment(log, self._topics.state, self._company.five_names_of)
        if state is None:
            raise DemoError(f"payment {self._company.five_names_of} has no state: see {self._logs}")
        self._require_names(state)
        tell.show_names(self._console, self._company.five_names, story_of(log, self._topics, state))
        for record in self._watcher.seen.followed.values():
            tell.show_record(self._console, record)
        for pair in self._watcher.seen.open_duplicates():
            tell.show_pair(self._console, pair)
        self._say(f"verified after the kill: {tell.zeros(verify_cluster(self._client, self._settings))}")

    def _require_names(self, state: State) -> None:
        """Whoever asks by any of the five names must be told of this payment. Raises DemoError."""
        known = list(names_of_state(state))
        missing = [name.value for name in self._company.five_names if match(name.value, known) is None]
        if missing:
            raise DemoError(f"payment {state.correlation_id} does not go by {', '.join(missing)}: see {self._logs}")

    def _kill(self, say: Callable[[str], None]) -> None:
        """Kill the last worker without a warning, and start it again under its name."""
        name = f"demo-{self._options.workers}"
        owned = self._pulse.workers().get(name, GONE).active
        pid = self._workers.kill(name)
        self._outage = _Outage(name, frozenset(owned))
        say(f"[bold red]{name} killed[/] (SIGKILL, pid {pid}): partitions {', '.join(map(str, owned)) or 'none'}")
        self._workers.revive(name)

    def _tick(self, draw: Tick, say: Callable[[str], None]) -> None:
        """What is done again and again while something goes on."""
        self._look_after()
        self._recovered(self._pulse.beat.owners, say)
        draw()

    def _recovered(self, owners: dict[int, str], say: Callable[[str], None]) -> None:
        outage = self._outage
        if outage is None or self._pulse.looked_s < outage.since_s or not outage.partitions <= owners.keys():
            return
        self._outage = None
        now = ", ".join(f"{number}: {owners[number]}" for number in sorted(outage.partitions))
        say(f"[green]taken over[/] after {time.monotonic() - outage.since_s:.1f} s, {now}; {outage.name} is back")

    def _await_recovery(self) -> None:
        deadline_s = time.monotonic() + _ACTIVE_WITHIN_S
        while self._outage is not None:
            if time.monotonic() > deadline_s:
                raise DemoError(f"partitions {set(self._outage.partitions)} were not taken over: see {self._logs}")
            self._tick(lambda: None, self._say)
            time.sleep(_POLL_S)

    def _rest(self, meanwhile: Callable[[], None]) -> None:
        within_s = _REST_WITHIN_S + self._options.payments * _REST_WITHIN_S_A_PAYMENT
        try:
            await_quiet(self._client, self._group, inputs_of(self._settings.generation), within_s, meanwhile)
        except NotQuietError as error:
            raise DemoError(f"{error}: see {self._logs}") from error

    def simulated_company(self) -> None:
        """Act two. Raises DemoError, NotQuietError."""
        options = self._options
        self._console.rule(f"a simulated company of {options.payments} payments", align="left")
        self._watcher.seen.latencies_ms.clear()
        self._teller.begin()
        scene = Scene(self._teller.progress, self._watcher.seen, lambda: self._pulse.beat, options.payments)
        killed_at = _KILL_AT if options.kill else None

        def note(text: str) -> None:
            scene.notes.append(f"[dim]{scene.elapsed_s:5.1f} s[/] {text}")

        with watched(self._console, scene) as draw:
            while not self._teller.progress.done or killed_at is not None:
                if killed_at is not None and self._teller.progress.share >= killed_at:
                    killed_at = None
                    self._kill(note)
                self._tick(draw, note)
                time.sleep(_POLL_S)
            self._rest(lambda: self._tick(draw, note))
            elapsed_s = scene.elapsed_s
        self._inputs_per_s = self._teller.progress.records / elapsed_s
        if self._console.is_terminal:
            for told in scene.notes:
                self._console.print(told, highlight=False)
        self._say(f"at rest after {elapsed_s:.1f} s: {self._teller.progress.records} records, all taken")

    def clock(self) -> None:
        """Until proved time has passed every deadline: what is late or missing is known then. Raises DemoError."""
        await_clock(self._client, self._group, self._topics, lambda: self._tick(lambda: None, self._say), self._logs)
        self._say("proved time has passed the last deadline")
        answered = next(self._answered_late(), None)
        if answered is not None:
            tell.show_late(self._console, *answered)

    def _answered_late(self) -> Iterator[tuple[State, Milestone]]:
        """Payments that were overdue until their bank answered, with the answer."""
        log = CommittedLog(self._client)
        for alert in list(self._watcher.seen.alerts.values()):
            if alert.kind is AlertKind.SLA_MISSED and alert.state is AlertState.WITHDRAWN:
                state = payment(log, self._topics.state, alert.correlation_id)
                if state is not None:
                    yield from ((state, row) for row in state.milestones if row.late_by_us is not None)

    def judgement(self, began_s: float) -> Summary:
        """Stop the workers so that their stores can be compared, read everything, and compare it with the truth."""
        self._workers.stop()
        self._say("workers stopped: reading all topics and stores again, recomputing every payment")
        report = verify_cluster(self._client, self._settings)
        found = outcome(CommittedLog(self._client), self._topics, policy_of(self._settings))
        truth = together(self._company.truth, self._teller.truth())
        seen, workers = self._watcher.seen, self._workers
        course = Course(
            p50_ms=seen.quantile_ms(0.5),
            p99_ms=seen.quantile_ms(0.99),
            events_per_s=self._inputs_per_s,
            elapsed_s=time.monotonic() - began_s,
            killed=workers.kills,
            restarts=workers.restarts,
        )
        summary = judge(truth, found, report, course)
        tell.show_summary(self._console, summary)
        if self._options.keep:
            self._keep()
        return summary

    def _keep(self) -> None:
        """Leave everything running, and say how to look around and how to end it."""
        for name in list(self._workers.pids):
            self._workers.start(name)
        self.await_active()
        self._world.kept = True
        variables = " ".join(f"{name}={quote(value)}" for name, value in self._world.environment.items())
        pids = " ".join(map(str, self._workers.pids.values()))
        stop = f"kill {pids}" + ("; paystate broker stop" if self._settings.embedded else "")
        self._console.print(
            f"kept running. Look around:\n"
            f"  export {variables}\n"
            f"  paystate show {self._company.five_names[0].value}\n"
            f"  paystate tail transitions\n"
            f"  paystate doctor\n"
            f"pages of the workers: {', '.join(self._workers.addresses.values())}\n"
            f"stop: {stop}\n"
            f"(the next `paystate demo` in {PREFIX}DATA_DIR={self._world.folder.parent} stops them too)",
            highlight=False,
            soft_wrap=True,
        )
