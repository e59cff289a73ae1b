"""A payment's transitions must form one gapless chain, each id once, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.domain.state import State, Transition
from streams.verify.report import Report


@dataclass(slots=True)
class Chains:
    """The last step seen of every payment, and every id seen."""

    last: dict[str, Transition] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def add(self, transition: Transition, report: Report) -> None:
        """Check one transition, in log order, against the step before it."""
        report.transitions += 1
        if transition.transition_id in self.ids:
            report.blame("repeated", transition.correlation_id, "a transition once", transition.transition_id)
            return
        self.ids.add(transition.transition_id)
        before = self.last.get(transition.correlation_id)
        expected_seq = before.seq + 1 if before is not None else 1
        expected_previous = before.transition_id if before is not None else None
        if (transition.seq, transition.previous_id) != (expected_seq, expected_previous):
            report.blame(
                "reordered",
                transition.correlation_id,
                f"step {expected_seq} after {expected_previous}",
                f"step {transition.seq} after {transition.previous_id}",
            )
        self.last[transition.correlation_id] = transition

    def compare_with_states(self, states: Iterable[State], report: Report) -> None:
        """The state must name the chain's last step and stand where that step led."""
        for state in states:
            last = self.last.get(state.correlation_id)
            last_id = last.transition_id if last is not None else None
            if state.last_transition_id != last_id:
                report.blame(
                    "reordered",
                    state.correlation_id,
                    f"state after transition {last_id}",
                    f"state after transition {state.last_transition_id}",
                )
            elif last is not None and last.to_status != state.status:
                report.blame("wrong_state", state.correlation_id, f"status {last.to_status}", f"status {state.status}")
