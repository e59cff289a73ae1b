"""Decoded rows in two generations: cheaper than an LRU, and bounded by the encoded size of what it holds."""

from __future__ import annotations

from typing import Generic, TypeVar

V = TypeVar("V")


class TwoGenerationCache(Generic[V]):
    """Keeps up to `most_bytes` of rows, counted encoded. What is not touched for a whole generation is forgotten.

    A hit in the old generation moves the row to the young one; when the young one holds half of the bound it becomes
    the old one, and the old one is dropped.
    """

    def __init__(self, most_bytes: int) -> None:
        self._generation_bytes = max(1, most_bytes // 2)
        self._young: dict[str, tuple[V, int]] = {}
        self._old: dict[str, tuple[V, int]] = {}
        self._young_bytes = 0

    def get(self, key: str) -> V | None:
        """The row, or None if it is not kept here (rows themselves are never None)."""
        entry = self._young.get(key)
        if entry is not None:
            return entry[0]
        entry = self._old.get(key)
        if entry is None:
            return None
        self.put(key, entry[0], entry[1])
        return entry[0]

    def put(self, key: str, value: V, size_bytes: int) -> None:
        """Keep a row whose encoded size is `size_bytes`."""
        previous = self._young.get(key)
        self._young[key] = (value, size_bytes)
        self._young_bytes += size_bytes - (previous[1] if previous is not None else 0)
        if self._young_bytes > self._generation_bytes:
            self._old = self._young
            self._young = {}
            self._young_bytes = 0

    def forget(self, key: str) -> None:
        """Drop a row: it was deleted."""
        entry = self._young.pop(key, None)
        if entry is not None:
            self._young_bytes -= entry[1]
        self._old.pop(key, None)

    def __len__(self) -> int:
        return len(self._young) + len(self._old.keys() - self._young.keys())
