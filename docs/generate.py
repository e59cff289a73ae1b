"""Write what the code and committed runs can tell by themselves: ``python -m docs.generate``. A test keeps it current.

That is docs/settings.md and docs/metrics.md whole, and the table of docs/reliability.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docs.reliability_table import read, table
from streams.metric_catalogue import CATALOGUE, LABELS, REASON_CLASSES, Metric
from streams.settings import PREFIX, Settings

FOLDER: Final = Path(__file__).resolve().parent

_SETTINGS_HEAD: Final = f"""# Settings

Everything comes from environment variables and is checked when a command starts: all problems are told at once, a name
that does not exist too. Times and sizes have their unit in the name. Lists are JSON: `["BANKA", "BANKB"]`.
Made from `streams/settings.py` by `make docs`.

Beside these, `SCHEMA_REGISTRY_URL` names a schema registry (without one, records carry the fingerprint of their
schema), and `{PREFIX}CACHE_DIR` the folder where the embedded broker's jars are kept.
"""
_METRICS_HEAD: Final = """# Metrics

Every worker serves these at `/metrics`, as Prometheus text or OpenMetrics. Counters move only when a unit of work is
committed: they count what the state accepted, through crashes, repetitions and rebalances. Gauges are those of the
partitions that the worker owns now; where two workers claim one partition, the larger
`payments_partition_owner_generation` is right. Correlation ids are never labels. `mode` is `replay` for what a replay
derives anew; delays and approval, cycle and reconciliation times are measured live only.
Made from `streams/metric_catalogue.py` by `make docs`.
"""

_TABLE_BEGINS: Final = "<!-- table: made by `make docs` from docs/reliability/*.jsonl -->"
_TABLE_ENDS: Final = "<!-- end of table -->"


def settings_page() -> str:
    """docs/settings.md."""
    return "\n".join([_SETTINGS_HEAD, *_section("General", Settings, PREFIX), *_groups()])


def _groups() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            title = (group.__doc__ or "").strip().splitlines()[0]
            yield from _section(title.rstrip("."), group, f"{PREFIX}{name}__".upper())


def _section(title: str, model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| variable | default | values | what |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            yield f"| `{prefix}{name.upper()}` | {_default(field)} | {_values(field)} | {field.description or ''} |"
    yield ""


def _default(field: FieldInfo) -> str:
    value = field.default
    return "" if value in (None, "", (), {}) else f"`{value}`"


def _values(field: FieldInfo) -> str:
    least = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)
    most = next((bound.le for bound in field.metadata if isinstance(bound, Le)), None)
    if most is not None:
        return f"{least} to {most}"
    if least is not None:
        return f"at least {least}"
    return _kind(field.annotation)


def _kind(annotation: Any) -> str:
    """The type in words."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    if inner:
        return _kind(inner[0])
    return {str: "text", Path: "path", SecretStr: "secret", int: "number", bool: "true, false"}[annotation]


def metrics_page() -> str:
    """docs/metrics.md."""
    return "\n".join(
        [
            _METRICS_HEAD,
            "## Catalogue\n",
            "| metric | type | labels | what |",
            "|---|---|---|---|",
            *(_metric_row(metric) for metric in CATALOGUE),
            "\n## Labels\n",
            "| label | values |",
            "|---|---|",
            *(f"| `{name}` | {values} |" for name, values in LABELS.items()),
            "\n## Reason classes of dead letters\n",
            ", ".join(f"`{name}`" for name in REASON_CLASSES) + ".",
            "\n## Buckets\n",
            "| metric | upper bounds, seconds |",
            "|---|---|",
            *(f"| `{metric.name}` | {_bounds(metric)} |" for metric in CATALOGUE if metric.buckets),
            "",
        ]
    )


def _metric_row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help} |"


def _bounds(metric: Metric) -> str:
    return ", ".join(f"{bound:g}" for bound in metric.buckets)


def reliability_page() -> str:
    """docs/reliability.md as it is, with the table of the committed runs."""
    page = (FOLDER / "reliability.md").read_text(encoding="utf-8")
    before, begin, rest = page.partition(_TABLE_BEGINS)
    _, end, after = rest.partition(_TABLE_ENDS)
    runs = read(sorted((FOLDER / "reliability").glob("*.jsonl")))
    return f"{before}{begin}\n{table(runs)}{end}{after}"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "reliability.md": reliability_page,
}


def write(folder: Path) -> list[Path]:
    """Write every page into ``folder``; returns the paths."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    return [folder / name for name in PAGES]


if __name__ == "__main__":
    for path in write(FOLDER):
        print(path)
