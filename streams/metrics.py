"""The catalogue's metrics, counted from what the engine reports and what handlers note.

Counters move only after a commit: what is counted is what the state accepted. Gauges are those of the partitions that
this worker owns now. Everything changes under one lock, taken once a unit, and is shown when Prometheus asks.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from typing_extensions import override

from schemas.codec import codec
from streams import metric_catalogue as catalogue
from streams.accumulators import ClosedSet, Counters, Gauges, Histograms, Route, Routes, Values, gauge_family
from streams.agents.payment_rows import due_in
from streams.domain.facts import Precision
from streams.domain.fingerprints import DuplicateAlert, DuplicateState, Rule
from streams.domain.fold import Folded, Outcome
from streams.domain.payment import Payment
from streams.domain.state import Alert, AlertKind, AlertState, Mode, Severity, State
from streams.domain.statuses import Status
from streams.domain.view import View
from streams.durations import Duration, completed
from streams.engine.metrics import NoMetrics
from streams.observations import ClockPassed, FactFolded
from streams.open_payments import OpenPayments, Standings
from streams.settings import MetricsSettings

_MICROSECONDS: Final = 1e6
#: The table whose rows are payments (streams/app.py).
_PAYMENTS: Final = "payments"
_LIVE: Final = "live"
_REPLAY: Final = "replay"
_MODES: Final = {Mode.LIVE: _LIVE, Mode.REPLAY: _REPLAY, Mode.UNKNOWN: _LIVE}
_MET, _MISSED = "met", "missed"
#: Looked up, not asked of each member: ``value`` is a property.
_OUTCOMES: Final = {outcome: outcome.value for outcome in Outcome}
_STATUSES: Final = {status: status.value for status in Status}
_SEVERITIES: Final = {severity: severity.value.lower() for severity in Severity}
_OWN_SEVERITIES: Final = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)


class PipelineMetrics(NoMetrics, Collector):
    """The engine's Metrics (see streams/engine/metrics.py) over the catalogue; ``registry`` is what a page serves."""

    def __init__(
        self,
        settings: MetricsSettings,
        input_topics: Iterable[str] = (),
        decode_state: Callable[[bytes], State] | None = None,
        wall_clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._lock = Lock()
        self._wall_clock_us = wall_clock_us
        self._source = ClosedSet(settings.sources)
        self._routes = Routes(ClosedSet(settings.banks), ClosedSet(settings.rails), ClosedSet(settings.regions))
        self._started_routes: set[Route] = set()
        self._reason_class = ClosedSet(catalogue.REASON_CLASSES)
        #: Whether this worker's generation is the one that consumers follow.
        self._in_force = True
        self._standings = Standings(self._routes, decode_state or codec("payments.state.v1", State).decode)
        self._open = OpenPayments(self._standings.of_row, due_in, self._lock)
        self._families()
        self._start(input_topics)
        self.registry = CollectorRegistry()
        self.registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def count_for(self, in_force: bool) -> None:
        """Whether this worker's generation is in force. What one beside it does is no business figure: its events are
        counted as replayed, its payments and dead letters not at all, or everything would be there twice.
        """
        with self._lock:
            self._in_force = in_force

    def _families(self) -> None:
        self._events = Counters(catalogue.EVENTS)
        self._transitions = Counters(catalogue.TRANSITIONS)
        self._alerts = Counters(catalogue.ALERTS)
        self._duplicate_alerts = Counters(catalogue.DUPLICATE_ALERTS)
        self._dead_letters = Counters(catalogue.DLQ)
        self._rebalances = Counters(catalogue.REBALANCES)
        self._aborts = Counters(catalogue.ABORTS)
        self._delay = Histograms(catalogue.EVENT_DELAY)
        self._processing = Histograms(catalogue.PROCESSING)
        self._commit = Histograms(catalogue.COMMIT)
        self._recovery_duration = Histograms(catalogue.RECOVERY_DURATION)
        self._ack_latency = Histograms(catalogue.ACK_LATENCY)
        self._ack_sla = Counters(catalogue.ACK_SLA)
        self._timer_lateness = Histograms(catalogue.TIMER_LATENESS)
        self._by_region = {
            Duration.APPROVAL: Histograms(catalogue.APPROVAL_DURATION),
            Duration.CYCLE: Histograms(catalogue.CYCLE_TIME),
            Duration.RECONCILIATION: Histograms(catalogue.RECONCILIATION),
        }
        self._batch = Gauges(catalogue.BATCH)
        self._watermark = Gauges(catalogue.WATERMARK)
        self._proved = Gauges(catalogue.CLOCK)
        self._lag = Gauges(catalogue.LAG)
        self._remaining = Gauges(catalogue.RECOVERY_REMAINING)
        self._owner = Gauges(catalogue.OWNER)

    def _start(self, input_topics: Iterable[str]) -> None:
        """Every label set that is known beforehand begins at 0: a series that appears with its first step hides it."""
        for counters in (self._rebalances, self._aborts):
            counters.start(())
        for histograms in (self._commit, self._recovery_duration, self._timer_lateness):
            histograms.start(())
        for kind, severity in product(AlertKind, _OWN_SEVERITIES):
            if kind is not AlertKind.UNKNOWN:
                self._alerts.start((kind.value, _SEVERITIES[severity], _LIVE))
        for rule, severity in product(Rule, _OWN_SEVERITIES):
            if rule is not Rule.UNKNOWN:
                self._duplicate_alerts.start((rule.value, _SEVERITIES[severity], _LIVE))
        for topic, reason_class in product(input_topics, catalogue.REASON_CLASSES):
            self._dead_letters.start((topic, reason_class))
        for source in self._source:
            self._start_source(source)
        for route in self._routes.configured():
            self._start_route(route)

    def _start_source(self, source: str) -> None:
        for outcome in _OUTCOMES.values():
            self._events.start((source, outcome, _LIVE))

    def _start_route(self, route: Route) -> None:
        if route in self._started_routes:
            return
        self._started_routes.add(route)
        for status in _STATUSES.values():
            self._transitions.start((*route, status, _LIVE))
        for outcome in (_MET, _MISSED):
            self._ack_sla.start((*route[:2], outcome, _LIVE))

    # -- told by the engine

    @override
    def unit_committed(self, duration_s: float, commit_s: float, records: int) -> None:
        """A unit of work was committed."""
        with self._lock:
            self._commit.observe((), commit_s)
            self._batch.set((), records)

    @override
    def unit_aborted(self, reason: str) -> None:
        """A transaction was aborted."""
        with self._lock:
            self._aborts.add(())

    @override
    def agent_folded(self, agent: str, duration_s: float, records: int) -> None:
        """An agent folded a batch."""
        with self._lock:
            self._processing.observe((agent,), duration_s)

    @override
    def dead_letter(self, topic: str, reason_class: str) -> None:
        """A record of the topic became a dead letter."""
        with self._lock:
            if self._in_force:
                self._dead_letters.add((topic, self._reason_class(reason_class)))

    @override
    def rebalanced(self, assigned: int, revoked: int, lost: int) -> None:
        """Input partitions changed hands."""
        with self._lock:
            self._rebalances.add(())

    @override
    def recovery(self, partition: int, table: str, remaining: int) -> None:
        """Records of a table's changelog still to be replayed."""
        with self._lock:
            self._remaining.set((table, str(partition)), remaining)

    @override
    def recovered(self, partition: int, duration_s: float, records: int) -> None:
        """A partition's store is current: nothing remains."""
        with self._lock:
            self._recovery_duration.observe((), duration_s)
            self._remaining.drop(lambda values: values[1] == str(partition))

    @override
    def progress(self, topic: str, partition: int, lag: int, watermark_us: int) -> None:
        """Records behind the end of an input, and the log-append time of the last one committed (0: none yet)."""
        with self._lock:
            self._lag.set((topic, str(partition)), lag)
            if watermark_us:
                self._watermark.set((topic, str(partition)), watermark_us / _MICROSECONDS)

    @override
    def proved(self, at_us: int) -> None:
        """This worker keeps proved time (0: it has not proved any yet)."""
        if at_us:
            with self._lock:
                self._proved.set((), at_us / _MICROSECONDS)

    @override
    def released(self, topic: str, partition: int) -> None:
        """An input partition is no longer this worker's, and neither are its gauges."""
        with self._lock:
            for gauges in (self._lag, self._watermark):
                gauges.drop(lambda values: values == (topic, str(partition)))

    @override
    def holds(self, partition: int, rows: Callable[[str], Iterator[bytes]]) -> None:
        """This worker took over a partition: ``rows(table)`` is a snapshot of a table before any fold of its own."""
        self._open.take(partition, rows(_PAYMENTS))

    @override
    def owns(self, partition: int, generation: int | None) -> None:
        """This worker owns the partition since ``generation``; None: no more, and its gauges go with it."""
        if generation is None:
            self._open.give_up(partition)
        with self._lock:
            if generation is not None:
                self._owner.set((str(partition),), generation)
                return
            if partition == 0:  # with it goes the keeping of time
                self._proved.drop(lambda _: True)
            for gauges, place in ((self._owner, 0), (self._lag, 1), (self._watermark, 1), (self._remaining, 1)):
                gauges.drop(lambda values, place=place: values[place] == str(partition))  # type: ignore[misc]  # mypy infers no lambda with a default

    # -- told by handlers, committed

    @override
    def noted(self, agent: str, items: Sequence[object]) -> None:
        """What handlers noted: facts folded, alerts, duplicate alerts. Other kinds are not for the metrics."""
        now_us = self._wall_clock_us()
        with self._lock:
            events: Counter[Values] = Counter()
            for item in items:
                if isinstance(item, FactFolded):
                    events[self._fact(item, now_us)] += 1
                elif isinstance(item, ClockPassed):
                    self._clock_passed(item)
                elif isinstance(item, Alert):
                    self._alert(item)
                elif isinstance(item, DuplicateAlert):
                    self._duplicate_alert(item)
            for values, count in events.items():
                self._start_source(values[0])
                self._events.add(values, count)

    def _fact(self, seen: FactFolded, now_us: int) -> Values:
        """Everything that one folded fact moves but its own count: that one is returned, to be added up."""
        fact, before, folded = seen.fact, seen.before, seen.folded
        source, mode = self._source(fact.source), self._mode(seen.mode)
        if mode == _LIVE:
            self._delay.observe((source, "publish"), (now_us - fact.received_at) / _MICROSECONDS)
            if fact.precision is Precision.TIME:
                self._delay.observe((source, "ingest"), (fact.received_at - fact.occurred_at) / _MICROSECONDS)
        self._stepped(seen.partition, before, folded, mode)
        return (source, _OUTCOMES[folded.outcome], mode)

    def _clock_passed(self, seen: ClockPassed) -> None:
        """Deadlines that fired: misses are counted when the deadline passes, in an outage nothing else may come."""
        for armed in seen.before.view.parts.deadlines.armed:
            if armed.fires_at <= seen.at:
                self._timer_lateness.observe((), (seen.at - armed.fires_at) / _MICROSECONDS)
                self._answered(seen.before.view, _MISSED, self._mode(seen.mode))
        self._stepped(seen.partition, seen.before, seen.folded, self._mode(seen.mode))

    def _stepped(self, partition: int, before: Payment | None, folded: Folded, mode: str) -> None:
        if folded.payment is not None and folded.payment is not before:
            self._moved(partition, None if before is None else before.view, folded.payment.view, mode)
        for transition in folded.transitions:
            if transition.from_status is not transition.to_status:
                route = self._routes(transition.bank, transition.rail, transition.region)
                self._start_route(route)
                self._transitions.add((*route, _STATUSES[transition.to_status], mode))
        for alert in folded.alerts:
            self._alert(alert)

    def _moved(self, partition: int, before: View | None, after: View, mode: str) -> None:
        standings = self._standings
        self._open.moved(partition, None if before is None else standings.of_view(before), standings.of_view(after))
        waited, waits = before is not None and bool(before.parts.deadlines.armed), bool(after.parts.deadlines.armed)
        if waits is not waited:
            self._open.waits(partition, 1 if waits else -1)
        met = after.parts.deadlines.met - (0 if before is None else before.parts.deadlines.met)
        if met > 0:
            self._answered(after, _MET, mode, met)
        for duration, seconds in completed(before, after):
            route = self._routes(after.bank, after.parts.releases.description.rail, after.region)
            if duration is Duration.ACKNOWLEDGEMENT:
                self._ack_latency.observe((*route, mode), seconds)
            elif mode == _LIVE:
                self._by_region[duration].observe((route[2],), seconds)

    def _answered(self, view: View, outcome: str, mode: str, count: int = 1) -> None:
        route = self._routes(view.bank, view.parts.releases.description.rail, view.region)
        self._start_route(route)
        self._ack_sla.add((*route[:2], outcome, mode), count)

    def _alert(self, alert: Alert) -> None:
        if alert.state is AlertState.OPEN:
            self._alerts.add((alert.kind.value, _SEVERITIES[alert.severity], self._mode(alert.mode)))

    def _mode(self, mode: Mode) -> str:
        return _MODES[mode] if self._in_force else _REPLAY

    def _duplicate_alert(self, alert: DuplicateAlert) -> None:
        """An alert is opened once, with its first number; later numbers tell its life."""
        if alert.state is DuplicateState.OPEN and alert.number == 1:
            for rule in alert.rules:
                self._duplicate_alerts.add((rule.value, _SEVERITIES[alert.severity], self._mode(alert.mode)))

    # -- asked by Prometheus

    @override
    def collect(self) -> Iterator[Family]:
        """Every family of the catalogue as it is now."""
        with self._lock:
            families = [accumulated.family() for accumulated in self._accumulated()]
            families.append(gauge_family(catalogue.OPEN, self._open.open() if self._in_force else ()))
            families.append(gauge_family(catalogue.OLDEST_OPEN, self._open.oldest() if self._in_force else ()))
            families.append(gauge_family(catalogue.TIMERS, self._open.waiting() if self._in_force else ()))
            if self._in_force:  # joins on the newest owner must not find one of another generation
                families.append(self._owner.family())
        yield from families

    def _accumulated(self) -> tuple[Counters | Gauges | Histograms, ...]:
        return (
            self._events,
            self._transitions,
            self._alerts,
            self._duplicate_alerts,
            self._dead_letters,
            self._rebalances,
            self._aborts,
            self._delay,
            self._processing,
            self._commit,
            self._recovery_duration,
            self._ack_latency,
            self._ack_sla,
            self._timer_lateness,
            *self._by_region.values(),
            self._batch,
            self._watermark,
            self._proved,
            self._lag,
            self._remaining,
        )
