"""The contract of every topic: who owns it, what it holds, how long, who writes and reads it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class ContractError(ValueError):
    """Contracts that do not hold together; the message lists every problem."""


class TopicContract(BaseModel):
    """One topic. ``retention_ms`` None: for ever (compacted). ``partitions`` None: the generation's count.

    ``partitioned_as``: of a generation whose count is another one, the shared topic whose count it has instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    owner: str
    purpose: str
    key: str
    schema_file: str
    partitions: int | None
    cleanup_policy: tuple[Literal["compact", "delete"], ...]
    retention_ms: int | None
    config: dict[str, str]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    compatibility: Literal["BACKWARD_TRANSITIVE", "FULL_TRANSITIVE"]
    personal_data: str
    shared_across_generations: bool
    partitioned_as: str | None = None

    @property
    def topic_config(self) -> dict[str, str]:
        """The topic's configuration as Kafka takes it."""
        return {
            "cleanup.policy": ",".join(self.cleanup_policy),
            "retention.ms": str(self.retention_ms if self.retention_ms is not None else -1),
            **self.config,
        }


_RENAMED: Final = {"schema": "schema_file"}


@cache
def contracts() -> tuple[TopicContract, ...]:
    """Every contract, by name. Raises ContractError with all problems of all files."""
    found: list[TopicContract] = []
    problems: list[str] = []
    for path in sorted(files("schemas").joinpath("topics").iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".yaml"):
            continue
        try:
            found.append(_contract(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (ValidationError, yaml.YAMLError, AttributeError) as error:
            problems.append(f"{path.name}: {error}")
            continue
        if f"{found[-1].name}.yaml" != path.name:
            problems.append(f"{path.name}: holds the contract of {found[-1].name}")
    if problems:
        raise ContractError("topic contracts: " + "; ".join(problems))
    return tuple(found)


def _contract(document: dict[str, Any]) -> TopicContract:
    renamed = {_RENAMED.get(key, key): value for key, value in document.items()}
    renamed["config"] = {key: str(value) for key, value in (renamed.get("config") or {}).items()}
    return TopicContract.model_validate(renamed)


def contract(name: str) -> TopicContract:
    """The contract of that name. Raises ContractError if there is none."""
    for row in contracts():
        if row.name == name:
            return row
    raise ContractError(f"no topic contract {name!r}: expected one of {', '.join(row.name for row in contracts())}")
