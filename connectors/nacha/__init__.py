"""NACHA: returns, corrections, acknowledgements and other entries of the US automated clearing house: MAPPING.md."""

from __future__ import annotations

import re
from typing import Final

from connectors.contract import Connector
from connectors.nacha.mapper import map_entry
from connectors.nacha.reader import FORMAT, read

#: A file header, or, where a bank leaves it out, a batch header with its service and entry class.
_BEGINS: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:1[0-9]{2}.{31}094101|5(?:200|220|225|280).{46}[A-Z]{3}[^\r\n])")


def _sniff(head: bytes) -> bool:
    return _BEGINS.match(head) is not None


CONNECTORS: Final = (Connector(FORMAT, _sniff, read, map_entry),)
