"""Every worker is replaced, one after the other, under load: by the same release, or by the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.codec import codec
from streams.domain.state import State
from streams.upgrade.finish import UpgradeRefusedError, finish
from streams.verify.read import KafkaLog
from tests.evolution.releases import RELEASES

from .crew import wait_until
from .field import ACTIVE_WITHIN_S, Field, struck
from .schedule import Fault, Step

_IN_ORDER: Final = tuple(RELEASES)
#: A worker that was killed is in the group, of its old release, until its session ends.
_FINISHED_WITHIN_S: Final = 30.0
_WRITTEN_WITHIN_S: Final = 60.0
_STATE: Final = "payments.state.v1"


def rolling_restart(here: Field, _step: Step) -> None:
    """One after the other, each back before the next goes."""
    _replace_all(here, Fault.ROLLING_RESTART)


def upgrade(here: Field, step: Step) -> None:
    """The next release takes each worker's place, and is put in force. The newest there is, is only restarted."""
    crew = here.crew
    before = _IN_ORDER.index(crew.release)
    crew.release = _IN_ORDER[min(before + 1, len(_IN_ORDER) - 1)]
    _replace_all(here, Fault.UPGRADE)
    if not wait_until(lambda: _is_finished(here, step), _FINISHED_WITHIN_S):
        raise AssertionError(f"step {step}: the upgrade to {crew.release} could not be finished")
    form = RELEASES[crew.release].newest.number
    if not wait_until(lambda: form in forms_written(here.cluster.client), _WRITTEN_WITHIN_S):
        raise AssertionError(f"step {step}: nothing was written in form {form} after the upgrade to {crew.release}")
    here.count(f"upgrade: to form {form}")


def _replace_all(here: Field, fault: Fault) -> None:
    crew = here.crew
    for name in list(crew.names):
        hit = crew.look(name)
        crew.stop(name)
        struck(here, fault, hit)
        crew.start(name)
        crew.await_active([name], ACTIVE_WITHIN_S)


def _is_finished(here: Field, step: Step) -> bool:
    try:
        finish(here.cluster.client, here.group, 1, RELEASES[here.crew.release], f"chaos, step {step.number}")
    except UpgradeRefusedError:
        return False
    return True


def forms_written(client: Mapping[str, Any]) -> dict[int, int]:
    """How many states were ever published in each form."""
    decode = codec(_STATE, State).decode
    found: dict[int, int] = {}
    with KafkaLog(client, 1, [_STATE]) as log:
        for row in log.rows(_STATE):
            if row.value is not None:
                form = decode(row.value).internal[0]
                found[form] = found.get(form, 0) + 1
    return dict(sorted(found.items()))
