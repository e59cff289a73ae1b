"""SWIFT gpi tracker: what its API answers about payments, as JSON. See MAPPING.md."""

from connectors.gpi.connector import CONNECTORS, described

__all__ = ["CONNECTORS", "described"]
