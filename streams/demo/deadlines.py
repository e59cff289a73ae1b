"""What is late in the demo: seconds, where a company has hours, so that one can wait for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.demo.errors import DemoError
from streams.lookup.log import CommittedLog
from streams.quiet import Progress
from streams.settings import PREFIX, Settings
from streams.simulator.company import BANKS
from streams.topics import Topics
from streams.verify.proved import Proved

PROMPT_S: Final = 5
"""How long a bank that answers within minutes of its day may take. The day is told some 500 times as fast."""
OTHERS_S: Final = 3_600
GRACE_S: Final = 5
"""How long a bank's word may be without a payment."""
PATIENCE_S: Final = max(PROMPT_S, GRACE_S) + 2.0
"""What the company says late, it says so long after others began to wait for it."""
WITHIN_S: Final[Mapping[str, int]] = {bank.name: PROMPT_S if bank.prompt else OTHERS_S for bank in BANKS}
#: Proved time follows in about three seconds.
_PASSES_WITHIN_S: Final = 90.0
_POLL_S: Final = 0.25
#: Records at the end of a partition among which the newest is: markers take offsets too.
_LAST: Final = 200


def with_deadlines(settings: Settings) -> Settings:
    """The demo's policy. The banks of the sample files have no deadline: their files are years old."""
    policy = settings.policy.model_copy(
        update={
            "acknowledgement_within_s": 0,
            "acknowledgement_within_s_by_bank": dict(WITHIN_S),
            "orphan_grace_s": GRACE_S,
        }
    )
    return settings.model_copy(update={"policy": policy})


def environment() -> dict[str, str]:
    """The same policy for another process."""
    return {
        f"{PREFIX}POLICY__ACKNOWLEDGEMENT_WITHIN_S": "0",
        f"{PREFIX}POLICY__ACKNOWLEDGEMENT_WITHIN_S_BY_BANK": json.dumps(WITHIN_S, separators=(",", ":")),
        f"{PREFIX}POLICY__ORPHAN_GRACE_S": str(GRACE_S),
    }


def await_clock(
    client: Mapping[str, Any], group: str, topics: Topics, meanwhile: Callable[[], None], logs: str
) -> None:
    """Return when the workers have taken a tick, in every partition, that is past every deadline of the demo so far.

    Raises DemoError if proved time does not come that far.
    """
    log = CommittedLog(client)
    last_at = _newest(log, topics.raw.kafka_name) + max(PROMPT_S, GRACE_S) * 1_000_000
    until_s = time.monotonic() + _PASSES_WITHIN_S
    with Progress(client, group, [topics.clock.kafka_name]) as progress:
        while (proved := _proved(log, progress, topics)) < last_at:
            if time.monotonic() > until_s:
                behind_s = (last_at - proved) / 1_000_000
                raise DemoError(f"proved time stands {behind_s:.1f} s before the last deadline: see {logs}")
            meanwhile()
            time.sleep(_POLL_S)


def _newest(log: CommittedLog, topic: str) -> int:
    """When the last record was appended, microseconds UTC."""
    places = log.places(topic)
    begin = {place: max(0, end - _LAST) for place, end in log.ends(places).items()}
    return max((record.timestamp_us for record in log.read(places, begin)), default=0)


def _proved(log: CommittedLog, progress: Progress, topics: Topics) -> int:
    """How far the clock is that the workers have taken, where it is furthest behind."""
    places = log.places(topics.clock.kafka_name)
    clock = Proved({place[1]: offset for place, offset in progress.committed(places).items()})
    clock.read(log.read(places), topics.clock.decode)
    return min(clock.of(partition).surely for _, partition in places)
