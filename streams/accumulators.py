"""Counters, gauges and histograms as plain dictionaries, shown to Prometheus when it asks.

prometheus_client's own objects take a lock and a few microseconds an observation; a unit of work makes thousands. These
are changed under one lock a unit, and because they hold no creation times, no ``_created`` samples are exported.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, product
from typing import Final, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from streams.metric_catalogue import Metric

Values: TypeAlias = tuple[str, ...]
"""The values of a metric's labels, in the catalogue's order."""

Route: TypeAlias = tuple[str, str, str]
"""Closed labels of a payment's bank, rail and region."""

OTHER: Final = "other"
UNKNOWN: Final = "unknown"
MOST_LEARNT: Final = 64
_MOST_ROUTES: Final = 4_096


class ClosedSet:
    """The values that one label may have: the configured ones or, with none configured, the first 64 that come.

    Anything else is ``other``, nothing at all is ``unknown``. A value keeps its label for the life of the process, so
    that what was counted under it can be taken out again.
    """

    def __init__(self, configured: Iterable[str] = ()) -> None:
        self._labels = {value: value for value in configured}
        self._most = len(self._labels) or MOST_LEARNT

    def __call__(self, value: str | None) -> str:
        """The label's value for this one."""
        if not value:
            return UNKNOWN
        label = self._labels.get(value)
        if label is not None:
            return label
        if len(self._labels) >= self._most:
            return OTHER
        self._labels[value] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._labels))


class Routes:
    """Bank, rail and region of a payment, each a closed set. Looked up several times an event, so pairs are kept."""

    def __init__(self, bank: ClosedSet, rail: ClosedSet, region: ClosedSet) -> None:
        self._bank, self._rail, self._region = bank, rail, region
        self._known: dict[tuple[str | None, str | None, str | None], Route] = {}

    def __call__(self, bank: str | None, rail: str | None, region: str | None) -> Route:
        """The labels of this route."""
        route = self._known.get((bank, rail, region))
        if route is None:
            route = (self._bank(bank), self._rail(rail), self._region(region))
            if len(self._known) < _MOST_ROUTES:
                self._known[bank, rail, region] = route
        return route

    def configured(self) -> Iterator[Route]:
        """Every combination that is known beforehand."""
        return product(self._bank, self._rail, self._region)


class Counters:
    """A counter family. ``start`` makes a label set known at 0, so that its first step shows as an increase."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[Values, float] = {}

    def start(self, values: Values) -> None:
        """Know the label set."""
        self._values.setdefault(values, 0.0)

    def add(self, values: Values, amount: float = 1.0) -> None:
        """Count."""
        self._values[values] = self._values.get(values, 0.0) + amount

    def family(self) -> CounterMetricFamily:
        """As Prometheus reads it."""
        family = CounterMetricFamily(self._metric.name, self._metric.help, labels=self._metric.labels)
        for values, value in self._values.items():
            family.add_metric(values, value)
        return family


class Gauges:
    """A gauge family."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[Values, float] = {}

    def set(self, values: Values, value: float) -> None:
        """The value from now on."""
        self._values[values] = value

    def drop(self, unwanted: Callable[[Values], bool]) -> None:
        """Forget label sets: what this worker no longer owns is not its to report."""
        self._values = {values: value for values, value in self._values.items() if not unwanted(values)}

    def family(self) -> GaugeMetricFamily:
        """As Prometheus reads it."""
        return gauge_family(self._metric, self._values.items())


def gauge_family(metric: Metric, rows: Iterable[tuple[Values, float]]) -> GaugeMetricFamily:
    """A gauge family made of what is known at the time of asking."""
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


class Histograms:
    """A histogram family: for each label set how many observations fell into each bucket, and their sum."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._bounds = metric.buckets
        self._titles = [*(str(bound) for bound in metric.buckets), "+Inf"]
        self._counts: dict[Values, list[int]] = {}
        self._sums: dict[Values, float] = {}

    def start(self, values: Values) -> None:
        """Know the label set."""
        self._cells(values)

    def observe(self, values: Values, seconds: float) -> None:
        """Add one observation. A clock that runs behind ours must not make time negative: it counts as 0."""
        if seconds < 0.0:
            seconds = 0.0
        counts = self._counts.get(values) or self._cells(values)
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[values] += seconds

    def _cells(self, values: Values) -> list[int]:
        self._sums.setdefault(values, 0.0)
        return self._counts.setdefault(values, [0] * len(self._titles))

    def family(self) -> HistogramMetricFamily:
        """As Prometheus reads it: buckets are cumulative."""
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=self._metric.labels)
        for values, counts in self._counts.items():
            buckets = list(zip(self._titles, accumulate(counts), strict=True))
            family.add_metric(values, buckets=buckets, sum_value=self._sums[values])
        return family
