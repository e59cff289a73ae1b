"""ISO 20022 XML: one streaming reader, a shape and a mapper for each message. See MAPPING.md."""

from connectors.iso20022.messages import CONNECTORS
from connectors.iso20022.prologue import described

__all__ = ["CONNECTORS", "described"]
