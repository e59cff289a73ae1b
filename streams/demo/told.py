"""The process that speaks for the simulated company, so that it has a processor of its own.

``python -m streams.demo.told``: plans at once, waits for a line on its standard input, publishes; says how far it is as
one JSON object a line: ``{"planned": n}``, ``{"said": n, "records": n}``, ``{"done": true}``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from connectors.formats import InstalledFormats
from streams.cluster import connect
from streams.settings import load
from streams.simulator.publish import Pace, Published, Voice
from streams.simulator.simulation import simulate


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
    with Voice(client, settings.archive, formats, settings.generation) as voice:
        voice.say(company.said, Pace(asked.rate), _say_published)
    _say(done=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--payments", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    return parser.parse_args()


def _say_published(so_far: Published) -> None:
    _say(said=so_far.bodies + so_far.files, records=so_far.records)


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
