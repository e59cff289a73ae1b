"""Ending an upgrade: from then on its form is written, and earlier releases are refused.

In this order, or a worker of an earlier release could slip in between looking and deciding: 1. say that it is being
finished; who starts or gets a partition from here on reads that, and is refused. 2. Look into the group; whoever read
before 1 was a member by then and is seen. 3. Only if nobody is there who cannot read the form: put it in force.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaException

from schemas.records import Upgrade, UpgradeStep
from streams.engine.clients import answer
from streams.forms import Forms
from streams.upgrade.decisions import Decider, Decisions, form_in_force
from streams.upgrade.members import Member, members_of

_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.2


class UpgradeRefusedError(RuntimeError):
    """The upgrade cannot be finished now; nothing has changed, and the message says what to do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an upgrade stands, seen from one release. ``decision`` None: no worker has run in this generation yet."""

    forms: Forms
    decision: Upgrade | None
    members: tuple[Member, ...]

    @property
    def is_finished(self) -> bool:
        """Nothing is left to do for this release."""
        decision, own = self.decision, self.forms.newest.number
        return decision is not None and decision.step is UpgradeStep.IN_FORCE and decision.form == own

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why `finish` would be refused now; none if it would not, or if there is nothing to finish."""
        decision, own = self.decision, self.forms.newest.number
        if decision is None:
            return ("no worker has run in this generation yet: there is nothing to upgrade",)
        if decision.form > own:
            later = f"form {decision.form} is known already, of paystate {decision.release}: use that release"
            return (f"{later}; this one, {self.forms.release}, knows up to form {own}",)
        if self.is_finished:
            return ()
        return tuple(
            f"{member} is in the group: replace it by {self.forms.release}; if it is dead, try again when its session "
            "has ended"
            for member in self.members
            if member.reads < own
        )


def standing(client: Mapping[str, Any], group: str, generation: int, forms: Forms) -> Standing:
    """What is decided and who is there. Raises KafkaException, ConfigurationError, CodecError."""
    return _look(Decisions(client, generation).now, client, group, forms)


def finish(
    client: Mapping[str, Any],
    group: str,
    generation: int,
    forms: Forms,
    actor: str,
    clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> Upgrade:
    """Put this release's form in force; the decision that stands then, which may be an old one.

    Raises UpgradeRefusedError: a member of the group cannot read the form, or a later release's is known. FencedError:
    somebody else decides at this moment.
    """
    own = forms.newest.number
    with Decider(client, group, generation) as decider:
        decision = _passed(_look(decider.now, client, group, forms))
        if decision.step is UpgradeStep.IN_FORCE and decision.form == own:
            return decision
        stands = form_in_force(decision)
        decider.decide(Upgrade(own, UpgradeStep.FINISHING, stands, forms.release, actor, clock_us()))
        try:
            _passed(_look(decider.now, client, group, forms))
        except (UpgradeRefusedError, KafkaException):
            decider.decide(Upgrade(stands, UpgradeStep.IN_FORCE, stands, forms.release, actor, clock_us()))
            raise
        return decider.decide(Upgrade(own, UpgradeStep.IN_FORCE, stands, forms.release, actor, clock_us()))


def _look(now: Callable[[], Upgrade | None], client: Mapping[str, Any], group: str, forms: Forms) -> Standing:
    """Asked again for half a minute while brokers restart, leaders move or coordinators load."""
    give_up_s = time.monotonic() + _PATIENCE_S

    def patience() -> None:
        if time.monotonic() > give_up_s:
            raise UpgradeRefusedError("Kafka does not say who is in the group: `paystate doctor` looks for the cause")
        time.sleep(_PAUSE_S)

    return Standing(forms, answer(now, patience), answer(lambda: members_of(client, group), patience))


def _passed(found: Standing) -> Upgrade:
    """The decision that stands, if nothing stands against the next one. Raises UpgradeRefusedError."""
    if found.obstacles or found.decision is None:
        raise UpgradeRefusedError("the upgrade cannot be finished:\n- " + "\n- ".join(found.obstacles))
    return found.decision
