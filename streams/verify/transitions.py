"""A payment's transitions must form one gapless chain, each id once, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.codec import Codec
from streams.domain.state import Transition
from streams.domain.statuses import Status
from streams.verify.payments import Stand
from streams.verify.read import Row
from streams.verify.report import Report


@dataclass(frozen=True, slots=True)
class Link:
    """The last step seen of a payment, and where."""

    transition_id: str
    seq: int
    to_status: Status
    partition: int


@dataclass(slots=True)
class Chains:
    """The last step of every payment, and every id seen."""

    last: dict[str, Link] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)

    def read(self, rows: Iterable[Row], codec: Codec[Transition], report: Report) -> None:
        """Check all transitions; the rows of a partition in its order."""
        for row in rows:
            if row.value is not None:
                self.add(codec.decode(row.value), row.partition, report)

    def add(self, transition: Transition, partition: int, report: Report) -> None:
        """Check one transition against the step before it."""
        report.transitions += 1
        payment, own_id = transition.correlation_id, transition.transition_id
        if own_id in self._ids:
            report.blame("repeated", payment, "a transition once", f"transition {own_id} again (step {transition.seq})")
            return
        self._ids.add(own_id)
        before = self.last.get(payment)
        self._compare(transition, before, report)
        if before is not None and before.partition != partition:
            report.blame("reordered", payment, f"all steps in partition {before.partition}", f"one in {partition}")
        self.last[payment] = Link(own_id, transition.seq, transition.to_status, partition)

    def _compare(self, transition: Transition, before: Link | None, report: Report) -> None:
        seq, previous = (before.seq + 1, before.transition_id) if before is not None else (1, None)
        came_from = before.to_status if before is not None else None
        found = (transition.seq, transition.previous_id, transition.from_status)
        if found != (seq, previous, came_from):
            report.blame(
                "reordered",
                transition.correlation_id,
                f"step {seq} after {previous} from {came_from}",
                f"step {found[0]} after {found[1]} from {found[2]}",
            )

    def compare(self, stands: Mapping[str, Stand], report: Report) -> None:
        """Every state must name its chain's last step and stand where that step led; every chain must have a state."""
        for payment, stand in stands.items():
            last = self.last.get(payment)
            ends = (last.transition_id, last.seq) if last is not None else (None, 0)
            named = (stand.last_transition_id, stand.last_transition_seq)
            if named != ends:
                report.blame("reordered", payment, f"a state after step {ends}", f"a state after step {named}")
            elif last is not None and last.to_status is not stand.status:
                report.blame("wrong_state", payment, f"status {last.to_status}", f"status {stand.status}")
        for payment in self.last.keys() - stands.keys():
            report.blame("lost", payment, "a state, as it has transitions", "none")
