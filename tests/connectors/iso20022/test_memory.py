"""A large file is read in little memory, measured from outside the process that reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.connectors.iso20022.given import details, entry, initiation_xml, instruction, notification_xml

FILE_BYTES = 50_000_000
MOST_BYTES = 64_000_000
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


def _of_size(path: Path, whole: bytes, part: bytes) -> int:
    """Write ``whole`` with ``part`` repeated until it is large; returns how often."""
    head, tail = whole.split(part)
    count = FILE_BYTES // len(part)
    with path.open("wb") as stream:
        stream.write(head)
        for _ in range(count // 1_000):
            stream.write(part * 1_000)
        stream.write(tail)
    return count // 1_000 * 1_000


ONE = details('<Amt Ccy="CHF">100.00</Amt><RmtInf><Ustrd>Invoice 1</Ustrd></RmtInf>')
DETAILS = ONE.removeprefix("<NtryDtls>").removesuffix("</NtryDtls>")


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (notification_xml(entry(ONE)), entry(ONE)),
        (notification_xml(entry(ONE)), DETAILS),
        (initiation_xml(instruction()), instruction()),
    ],
    ids=["many entries", "one entry of many transactions", "one batch of many instructions"],
)
def test_fifty_megabytes_are_read_in_less_than_64(tmp_path: Path, whole: bytes, part: str) -> None:
    path = tmp_path / "large.xml"
    count = _of_size(path, whole, part.encode())
    assert path.stat().st_size > FILE_BYTES * 0.95
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    records, grown_bytes = map(int, done.stdout.split())
    assert records == count
    assert grown_bytes < MOST_BYTES
