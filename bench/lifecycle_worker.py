"""The worker that is measured: the lifecycle agent alone, as the product builds it, telling what it restored."""

from __future__ import annotations

import json
import time

from streams.app import build
from streams.engine import NoMetrics, run_worker
from streams.settings import load
from streams.worker import settle_memory


class Reporting(NoMetrics):
    """Writes one line of JSON for every partition that was restored."""

    def recovered(self, partition: int, duration_s: float, records: int) -> None:
        """A partition's store is current."""
        row = {"partition": partition, "duration_s": duration_s, "records": records, "at_s": time.time()}
        print(json.dumps({"recovered": row}), flush=True)


def main() -> None:
    """Run until SIGTERM against the cluster of the environment."""
    settings = load()
    app = build(settings, settings.client_config(), settings.instance, agents=("lifecycle",), metrics=Reporting())
    settle_memory()
    run_worker(app, loglevel="WARNING")


if __name__ == "__main__":
    main()
