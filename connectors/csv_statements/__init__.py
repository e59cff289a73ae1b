"""Account statements as CSV, read as a bank profile describes them. See MAPPING.md."""

from connectors.csv_statements.connector import CONNECTORS, described

__all__ = ["CONNECTORS", "described"]
