"""Topic names, built in one place. A replay writes a new generation beside the first."""

from __future__ import annotations

from typing import Final

#: What every generation reads and none derives.
SHARED: Final = frozenset({"payments.raw.v1", "payments.files.v1", "payments.commands.v1", "payments.policies.v1"})


def topic_name(contract: str, generation: int = 1) -> str:
    """The Kafka topic of a contract: no suffix in the first generation, then ``.g2``, ``.g3`` …; shared ones never."""
    if generation < 1:
        raise ValueError(f"generation {generation}: expected 1 or more")
    return contract if generation == 1 or contract in SHARED else f"{contract}.g{generation}"
