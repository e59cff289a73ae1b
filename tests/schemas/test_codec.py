"""The generated codecs against fastavro, the reference: the same bytes, the same values."""

from __future__ import annotations

import io
import json
from dataclasses import FrozenInstanceError
from typing import Any

import fastavro
import pytest
from fastavro.schema import parse_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.kinds import KINDS
from schemas.plain import from_plain, to_json, to_plain
from schemas.records import VendorRecord
from tests.schemas.values import CODECS, values

HEADER_BYTES = 10
PARSED = {contract: parse_schema(codec.schema) for contract, codec in CODECS.items()}

every_contract = pytest.mark.parametrize("contract", sorted(KINDS))


def written_by_fastavro(contract: str, value: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, PARSED[contract], to_plain(value))
    return stream.getvalue()


@every_contract
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_encodes_the_very_bytes_that_fastavro_does_and_reads_them_back(contract: str, data: st.DataObject) -> None:
    value = data.draw(values(contract))
    encoded = CODECS[contract].encode(value)
    assert encoded[HEADER_BYTES:] == written_by_fastavro(contract, value)
    assert CODECS[contract].decode(encoded) == value


@every_contract
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_json_form_gives_the_same_value_back(contract: str, data: st.DataObject) -> None:
    value = data.draw(values(contract))
    assert from_plain(KINDS[contract], json.loads(json.dumps(to_json(value)))) == value


@every_contract
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_decoded_value_is_frozen_like_a_constructed_one(contract: str, data: st.DataObject) -> None:
    decoded = CODECS[contract].decode(CODECS[contract].encode(data.draw(values(contract))))
    name = next(iter(to_plain(decoded)))
    with pytest.raises(FrozenInstanceError):
        setattr(decoded, name, None)
    assert type(decoded) is KINDS[contract]


VENDOR = VendorRecord("v", "n", ("a", "b"), None, (), (), one_time=True)


def vendor_bytes(aliases: bytes) -> bytes:
    """VENDOR as framed bytes, with its array of aliases as given."""
    header = CODECS["payments.vendors.v1"].encode(VENDOR)[:HEADER_BYTES]
    return header + b"\x02v\x02n" + aliases + b"\x00" + b"\x00" + b"\x00" + b"\x01"


@pytest.mark.parametrize(
    "aliases",
    [
        b"\x04\x02a\x02b\x00",
        b"\x02\x02a\x02\x02b\x00",
        b"\x03\x08\x02a\x02b\x00",
        b"\x01\x04\x02a\x02\x02b\x00",
    ],
    ids=["one block", "two blocks", "a block with its size", "both"],
)
def test_an_array_may_come_in_any_blocks_that_avro_allows(aliases: bytes) -> None:
    assert CODECS["payments.vendors.v1"].decode(vendor_bytes(aliases)) == VENDOR
