"""Canonical JSON: approvals, releases, acknowledgements, reconciliations and commands from sources that speak it."""

from connectors.canonical.connector import CONNECTORS

__all__ = ["CONNECTORS"]
