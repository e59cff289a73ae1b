"""Topic names, built in one place. A replay writes a new generation beside the first."""

from __future__ import annotations

from typing import Final

#: What every generation reads and none derives.
SHARED: Final = frozenset({"payments.raw.v1", "payments.files.v1", "payments.commands.v1", "payments.policies.v1"})


def topic_name(contract: str, generation: int = 1) -> str:
    """The Kafka topic of a contract: no suffix in the first generation, then ``.g2``, ``.g3`` …; shared ones never."""
    return contract if contract in SHARED else contract + generation_suffix(generation)


def generation_suffix(generation: int) -> str:
    """What every derived name of a generation ends with: topics, groups, transactional ids and store folders."""
    if generation < 1:
        raise ValueError(f"generation {generation}: expected 1 or more")
    return "" if generation == 1 else f".g{generation}"
