"""A held record is shown as far as it can be read, whatever it is; and every reason has its advice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.records import DeadLetter, Raw
from streams.dead_letters.advice import ADVICE, advice
from streams.dead_letters.held import readable
from streams.topics import topics_of
from tests.generation import example

TOPICS = topics_of(1)


def letter(value: bytes | None, topic: str = "payments.raw.v1") -> DeadLetter:
    template = example("payments.dead-letters.v1", DeadLetter)
    return replace(template, source_topic=topic, value=value, key=b"key")


def test_a_raw_record_is_shown_with_its_payload_decoded() -> None:
    raw = replace(example("payments.raw.v1", Raw), payload=b'{"Amt": 10.10}')
    shown = readable(letter(TOPICS.raw.encode(raw)), TOPICS)
    assert shown["value"]["source"] == raw.source
    assert shown["value"]["payload"] == {"Amt": "10.10"}


def test_a_payload_that_is_no_json_is_shown_as_it_is() -> None:
    raw = replace(example("payments.raw.v1", Raw), payload=b'{"Amt": ')
    assert readable(letter(TOPICS.raw.encode(raw)), TOPICS)["value"]["payload"] == '{"Amt": '


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, None), (b"no Avro", "no Avro"), (b"\xc3\x01\xff\xfe", "c301fffe"), (b"", "")],
)
def test_what_no_contract_decodes_is_text_or_hex(value: bytes | None, shown: str | None) -> None:
    assert readable(letter(value), TOPICS)["value"] == shown
    assert readable(letter(value, "somebody.elses"), TOPICS)["value"] == shown


def test_a_long_value_is_cut_and_says_how_long_it_is() -> None:
    shown = readable(letter(b"x" * 5_000), TOPICS)
    assert shown["value_bytes"] == 5_000
    assert shown["value"].endswith("(5000 bytes)")
    assert len(shown["value"]) < 2_100


def test_every_reason_that_the_pipeline_gives_has_advice_and_an_unknown_one_too() -> None:
    of_records = {"null_key", "null_value", "undecodable", "wrong_key", "unmappable", "conflict", "invalid", "limit"}
    of_results = {"rejected", "oversized", "unencodable", "handler_error"}
    assert of_records | of_results == set(ADVICE)
    assert "paystate dlq replay" in advice("something new")
