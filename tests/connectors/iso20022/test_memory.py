"""A large file is read in little memory, measured from outside the process that reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.connectors.iso20022.given import details, entry, initiation_xml, instruction, notification_xml

READ = """
import json, resource, sys
from connectors.formats import InstalledFormats
from connectors.contract import FileEnd
formats = InstalledFormats()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as stream:
    connector = formats.connector("auto", stream.read(65536))
    stream.seek(0)
    records = 0
    for item in connector.read(stream, formats.profile("default")):
        records += 1
    assert isinstance(item, FileEnd), item
print(records - 1, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def _of_size(path: Path, whole: bytes, part: bytes, size_bytes: int) -> int:
    """Write ``whole`` with ``part`` repeated until it is large; returns how often."""
    head, tail = whole.split(part)
    thousands = size_bytes // len(part) // 1_000
    with path.open("wb") as stream:
        stream.write(head)
        for _ in range(thousands):
            stream.write(part * 1_000)
        stream.write(tail)
    return thousands * 1_000


ONE = details('<Amt Ccy="CHF">100.00</Amt><RmtInf><Ustrd>Invoice 1</Ustrd></RmtInf>')
DETAILS = ONE.removeprefix("<NtryDtls>").removesuffix("</NtryDtls>")


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
@pytest.mark.parametrize(
    ("whole", "part", "size_bytes", "most_bytes"),
    [
        (notification_xml(entry(ONE)), entry(ONE), 50_000_000, 32_000_000),
        (notification_xml(entry(ONE)), DETAILS, 10_000_000, 16_000_000),
        (initiation_xml(instruction()), instruction(), 10_000_000, 16_000_000),
    ],
    ids=["many entries", "one entry of many transactions", "one batch of many instructions"],
)
def test_a_large_file_is_read_in_little_memory(
    tmp_path: Path, whole: bytes, part: str, size_bytes: int, most_bytes: int
) -> None:
    path = tmp_path / "large.xml"
    count = _of_size(path, whole, part.encode(), size_bytes)
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    records, grown_bytes = map(int, done.stdout.split())
    assert records == count
    assert grown_bytes < most_bytes
