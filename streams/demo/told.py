"""The process that speaks for the simulated company, so that it has a processor of its own.

``python -m streams.demo.told``: plans at once, waits for a line on its standard input, publishes; says how far it is as
one JSON object a line: ``{"planned": n}``, ``{"said": n, "records": n}``, ``{"done": true}``.

Without a rate it speaks as fast as it is listened to: latency is then that of a busy pipeline, not of an endless queue.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from connectors.formats import InstalledFormats
from streams.app import group_of
from streams.cluster import connect
from streams.quiet import Progress
from streams.settings import load
from streams.simulator.publish import Pace, Published, Voice, tell
from streams.simulator.simulation import simulate
from streams.verify.cluster import inputs_of

#: Records of all stages together: enough that no worker ever has nothing to do, and less than a second of work.
_MOST_WAITING: Final = 10_000
_LOOK_EVERY_S: Final = 0.1


def main() -> int:
    """Exit status 0 when all is published, or when nobody wanted it to be."""
    asked = _arguments()
    company = simulate(asked.seed, asked.payments)
    asked.truth.write_text(json.dumps(company.truth.as_json()), encoding="utf-8")
    _say(planned=len(company.said))
    if not sys.stdin.readline():
        return 0
    settings = load()
    client = connect(settings, topics=False).client
    formats = InstalledFormats(settings.profiles_dir)
    with (
        Voice(client, settings.archive, formats, settings.generation) as voice,
        Progress(client, group_of(settings), inputs_of(settings.generation)) as listeners,
    ):
        progress = _say_and_wait(listeners) if asked.rate == 0 else _say_published
        tell(voice, company, Pace(asked.rate), asked.patience_s, progress)
    _say(done=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--payments", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--patience-s", type=float, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    return parser.parse_args()


def _say_and_wait(listeners: Progress) -> Callable[[Published], None]:
    """Say how far it is, then wait while too much waits to be taken."""

    def say(so_far: Published) -> None:
        _say_published(so_far)
        while _waiting(listeners) > _MOST_WAITING:
            time.sleep(_LOOK_EVERY_S)

    return say


def _waiting(listeners: Progress) -> int:
    try:
        return sum(listeners.behind(listeners.ends()).values())
    except KafkaException:
        return _MOST_WAITING + 1  # looked at again in a moment


def _say_published(so_far: Published) -> None:
    _say(said=so_far.bodies + so_far.files, records=so_far.records)


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
