"""SWIFT MT: statements (940, 942), advices (900, 910), free texts (n99), recalls (n92), answers (n96): MAPPING.md."""

from connectors.swift_mt.messages import CONNECTORS, described

__all__ = ["CONNECTORS", "described"]
