"""Deterministic ids: a hash of what makes two things the same thing. Never random, never a counter."""

from __future__ import annotations

from hashlib import blake2b


def stable_id(*parts: str) -> str:
    """32 hex digits that depend on the parts and their boundaries: ("ab", "c") and ("a", "bc") differ."""
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
