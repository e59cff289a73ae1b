"""The readers of bank files: transactions or lines a second of CPU, and the memory of ``paystate parse --json``.

    python -m bench.readers [--megabytes N] [--gigabyte] [--json]

Rates are by CPU time of one process on one core, the best of some runs, so that what else runs here matters less.
Memory is the peak of another process that reads a camt.053 from its standard input, which is made while it is read.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

from bench.reader_files import FILES, PER_BLOCK, STATEMENT, BankFile
from connectors.contract import DEFAULT_PROFILE, Acknowledgement, Connector, FileEnd, Instruction, ProviderRecord
from connectors.registry import connector_of

RATE_BYTES: Final = 8 << 20
RUNS: Final = 5
_MEGABYTES: Final = 64
_GIGABYTE: Final = 1_024
_KIB: Final = 1_024


@dataclass(frozen=True, slots=True)
class Rates:
    """By second of CPU time: what comes out of the reader alone, and with the mapper; lines where a format has them."""

    read_per_s: int
    read_and_map_per_s: int
    lines_read_per_s: int | None
    bytes_per_transaction: int


@dataclass(frozen=True, slots=True)
class Parsing:
    """``paystate parse --json`` of one camt.053. Memory is resident, at its peak."""

    megabytes: int
    transactions: int
    cpu_s: float
    peak_mb: float
    interpreter_mb: float
    above_interpreter_mb: float


@dataclass(slots=True)
class Figures:
    """What was measured."""

    rates: dict[str, Rates] = field(default_factory=dict)
    parsing: Parsing | None = None


def rates(file: BankFile) -> Rates:
    """Read a file that is in memory, and read and map it."""
    connector = connector_of(file.format)
    assert connector is not None, file.format
    blocks = max(1, RATE_BYTES // file.block_bytes())
    data = b"".join(file.pieces(blocks))
    count = blocks * PER_BLOCK
    read_s = _best_cpu_s(lambda: _read(connector, data, count))
    mapped_s = _best_cpu_s(lambda: _read_and_map(connector, data, count))
    lines = round(file.lines_per_block * blocks / read_s) if file.lines_per_block else None
    return Rates(round(count / read_s), round(count / mapped_s), lines, len(data) // count)


def _read(connector: Connector, data: bytes, count: int) -> None:
    for item in connector.read(io.BytesIO(data), DEFAULT_PROFILE):
        if not isinstance(item, ProviderRecord):
            assert isinstance(item, FileEnd), item
            assert item.records >= count, item


def _read_and_map(connector: Connector, data: bytes, count: int) -> None:
    said = 0
    for item in connector.read(io.BytesIO(data), DEFAULT_PROFILE):
        if isinstance(item, ProviderRecord):
            for mapped in connector.map(item, DEFAULT_PROFILE):
                assert isinstance(mapped, Acknowledgement | Instruction), mapped
                said += 1
    assert said >= count, said


def _best_cpu_s(work: Callable[[], None]) -> float:
    taken: list[float] = []
    for _ in range(RUNS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def parsing(megabytes: int) -> Parsing:
    """Feed a statement of that size to ``paystate parse --json -``; what it writes is thrown away."""
    blocks = max(1, (megabytes << 20) // STATEMENT.block_bytes())
    command = [sys.executable, "-m", "streams.cli", "parse", "--json", "-"]
    parser = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert parser.stdin is not None
    for piece in STATEMENT.pieces(blocks):
        parser.stdin.write(piece)
    parser.stdin.close()
    cpu_s, peak_mb = _ended(parser)
    _, interpreter_mb = _ended(subprocess.Popen([sys.executable, "-c", "pass"]))
    return Parsing(megabytes, blocks * PER_BLOCK, cpu_s, peak_mb, interpreter_mb, round(peak_mb - interpreter_mb, 1))


def _ended(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Wait for it: its CPU seconds, and its resident memory at the peak in MB."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.args
    unit = 1 if sys.platform == "darwin" else _KIB
    return round(used.ru_utime + used.ru_stime, 2), round(used.ru_maxrss * unit / 1e6, 1)


def show(figures: Figures) -> None:
    """For a person."""
    for name, told in figures.rates.items():
        lines = f", {told.lines_read_per_s:,} lines/s" if told.lines_read_per_s else ""
        print(
            f"{name:9} read {told.read_per_s:8,}/s{lines}; read and mapped {told.read_and_map_per_s:7,}/s"
            f" ({told.bytes_per_transaction} bytes each)"
        )
    parsed = figures.parsing
    if parsed is not None:
        print(
            f"parse     {parsed.megabytes:,} MB, {parsed.transactions:,} transactions in {parsed.cpu_s} s of CPU:"
            f" {parsed.peak_mb} MB at the peak, {parsed.above_interpreter_mb} MB above the interpreter"
        )


def main() -> None:
    """Measure and show."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=int, default=_MEGABYTES, help="size of the camt.053 that is parsed")
    arguments.add_argument("--gigabyte", action="store_true", help="1,024 MB: takes some minutes")
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    figures = Figures()
    figures.parsing = parsing(_GIGABYTE if chosen.gigabyte else chosen.megabytes)  # while this process is small
    figures.rates = {file.format: rates(file) for file in FILES}
    if chosen.json:
        print(json.dumps(asdict(figures)))
    else:
        show(figures)


if __name__ == "__main__":
    main()
