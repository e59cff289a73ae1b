"""Topic names, built in one place. A replay writes a new generation beside the first."""

from __future__ import annotations

from typing import Final

#: What every generation reads and none derives.
SHARED: Final = frozenset(
    {
        "payments.raw.v1",
        "payments.files.v1",
        "payments.commands.v1",
        "payments.policies.v1",
        "payments.generations.v1",
    }
)
#: Of the shared topics those that are folded with derived ones: each later generation has a copy, partitioned as the
#: rest of it, so that a replay writes nothing to what the live generation reads.
COPIED: Final = frozenset({"payments.commands.v1"})


def topic_name(contract: str, generation: int = 1) -> str:
    """The Kafka topic of a contract: no suffix in the first generation, then ``.g2``, ``.g3`` …; shared ones never."""
    suffix = generation_suffix(generation)
    return contract if contract in SHARED and contract not in COPIED else contract + suffix


def derived(contract: str, generation: int) -> bool:
    """Whether the contract's topic of that generation is its own: written by its workers, gone when it is dropped."""
    return contract not in SHARED or (contract in COPIED and generation > 1)


def generation_suffix(generation: int) -> str:
    """What every derived name of a generation ends with: topics, groups, transactional ids and store folders."""
    if generation < 1:
        raise ValueError(f"generation {generation}: expected 1 or more")
    return "" if generation == 1 else f".g{generation}"
