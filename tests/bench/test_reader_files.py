"""The files that the readers are measured with are good files, every control right."""

from __future__ import annotations

import pytest

from bench.reader_files import FILES, PER_BLOCK, BankFile
from connectors.contract import MappingError
from tests.connectors.files import read


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.format)
def test_a_measured_file_is_accepted_and_says_all_of_its_transactions(file: BankFile) -> None:
    done = read(b"".join(file.pieces(2)), file.format)
    assert done.accepted, done.last
    assert len(done.records) >= 2 * PER_BLOCK
    assert not [item for item in done.mapped if isinstance(item, MappingError)]
