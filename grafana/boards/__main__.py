"""Write the boards as JSON: ``python -m grafana.boards``."""

from __future__ import annotations

from grafana.boards.write import DASHBOARDS, write

if __name__ == "__main__":
    for path in write(DASHBOARDS):
        print(path)
