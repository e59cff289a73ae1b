"""From the files to the pipeline's facts: every record of every sample is taken, and every amount arrives exactly."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from connectors.contract import Acknowledgement, ProviderRecord
from connectors.formats import InstalledFormats
from schemas.records import Raw
from streams.agents.accounts import Accounts
from streams.agents.normalise import Normaliser
from streams.domain.facts import BankAck, Release
from tests.connectors.files import ALL_FOLDERS, PROFILES, SAMPLES, Read, all_samples, name_of, read

NORMALISER = Normaliser(InstalledFormats(), Accounts(b"k" * 32), 3)
RECEIVED = 1_790_000_000_000_000
#: Amounts in marks: no currency of ISO 4217 any more, each record is a dead letter.
WITHDRAWN = {"mt940/self-provided_raphaelm.sta"}
every_sample = pytest.mark.parametrize(
    "path", [path for path in all_samples() if name_of(path) not in PROFILES.keys() | WITHDRAWN], ids=name_of
)


def _raw(record: ProviderRecord, format_: str, source_message_id: str) -> Raw:
    return Raw(
        message_id=f"raw-{record.position}",
        source="BANK",
        source_message_id=source_message_id,
        format=format_,
        kind=record.kind,
        profile="default",
        sender="BANK",
        file_hash="f" * 64,
        position=record.position,
        records_in_file=1,
        payload=msgspec.json.encode(record.fields),
        authentication="file",
        occurred_at=None,
        trace_id="t",
        correlation_id=None,
    )


def _facts(done: Read, format_: str) -> list[object]:
    return [told for record in done.records for told in NORMALISER.facts_of(_raw(record, format_, "M-1"), RECEIVED)]


@every_sample
def test_every_record_becomes_facts_and_every_amount_arrives_exactly(path: Path) -> None:
    format_ = ALL_FOLDERS[path.parent.name]
    done = read(path.read_bytes(), format_)
    facts = [told for told in _facts(done, format_) if isinstance(told, BankAck | Release)]
    assert len(facts) == len(done.mapped)
    assert len({fact.event_id for fact in facts}) == len(facts)
    told = Counter(
        (item.amount, item.currency) for item in done.mapped if isinstance(item, Acknowledgement) and item.amount
    )
    arrived = Counter(
        (Decimal(fact.amount.decimal_text()), fact.amount.currency)
        for fact in facts
        if isinstance(fact, BankAck) and fact.amount is not None and fact.amount.minor
    )
    assert arrived == told


@every_sample
def test_no_whole_account_number_leaves_the_mapping(path: Path) -> None:
    format_ = ALL_FOLDERS[path.parent.name]
    done = read(path.read_bytes(), format_)
    numbers = {item.account for item in done.mapped if isinstance(item, Acknowledgement) and item.account}
    facts = repr(_facts(done, format_))
    assert not [number for number in numbers if number in facts]


def test_the_account_of_a_correction_is_hidden_in_its_text() -> None:
    done = read((SAMPLES / "nacha/cor-example.ach").read_bytes(), "nacha")
    assert done.only().reason_text == "corrected data: 1918171614"
    [fact] = _facts(done, "nacha")
    assert isinstance(fact, BankAck)
    assert fact.reason_text == "corrected data: ****1614"
