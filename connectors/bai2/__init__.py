"""BAI2: balance reports of US and other banks, and their transactions: MAPPING.md."""

from __future__ import annotations

import re
from typing import Final

from connectors.bai2.mapper import map_transaction
from connectors.bai2.reader import FORMAT, read
from connectors.contract import Connector

#: A file header: sender, receiver, date and time.
_BEGINS: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*01,[^,\r\n]*,[^,\r\n]*,\s*[0-9]{6}\s*,")


def _sniff(head: bytes) -> bool:
    return _BEGINS.match(head) is not None


CONNECTORS: Final = (Connector(FORMAT, _sniff, read, map_transaction),)
