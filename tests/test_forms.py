"""What is written in an earlier form is what the earlier release reads; what it cannot hold is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import fastavro
import pytest
from fastavro.schema import parse_schema

from schemas.codec import CodecError, header_in
from schemas.contract_files import load_schema
from schemas.plain import to_plain
from schemas.records import ClockTick
from streams.agents.duplicates import Members
from streams.agents.payment_rows import FactsIn, Packer, PaymentRows, kept_of
from streams.agents.rows import RowCodec
from streams.domain.facts import Approval, Decision
from streams.domain.kept import Kept
from streams.domain.payment import Context, Envelope, Payment, payment_of
from streams.forms import FORMS, Array, Encode, Form, Forms, Writing
from streams.topics import topics_of
from tests.evolution.releases import AFTER_NEXT, BEFORE, NEXT
from tests.generation import example

APPROVALS = "payments.approvals.v1"
APPROVAL = replace(example(APPROVALS, Approval), region="EU", decision=Decision.APPROVED)
CROWDED = Forms("2", Form(1, "1", Array()), Form(2, "2", Array(), {Members: frozenset({"crowded"})}))


def payment(*written: FactsIn) -> Payment:
    """One fact for each, packed in its form."""
    facts = [replace(APPROVAL, event_id=f"{APPROVAL.event_id}{number}") for number in range(len(written))]
    kept = [Kept(fact.event_id, fact, form.pack(fact)) for fact, form in zip(facts, written, strict=True)]
    return payment_of("P1", kept, Envelope(1, 1, None, 1, 1), Context())


def test_forms_are_numbered_without_a_gap() -> None:
    with pytest.raises(ValueError, match=r"numbered from 1: found \[1, 3\]"):
        Forms("1.0.0", Form(1, "1.0.0", Array()), Form(3, "1.0.0", Array()))


def test_the_writer_changes_while_it_runs_and_only_upwards() -> None:
    writing = Writing(NEXT, 1)
    encode: Encode[str] = writing.encoder(lambda form: lambda value: f"{value} in {form.number}".encode())
    assert encode("a") == b"a in 1"
    writing.rise_to(2)
    writing.rise_to(1)
    assert encode("a") == b"a in 2"
    with pytest.raises(CodecError, match=r"form 3, but paystate 98\.0\.0 reads up to form 2: use the release that"):
        writing.rise_to(3)


def test_nothing_stands_between_a_codec_and_its_caller_where_no_form_differs() -> None:
    current = topics_of(1, writing=Writing(FORMS))
    assert current.state.encode.__self__.encode == current.state.encode  # type: ignore[attr-defined]  # a bound method
    upgrading = topics_of(1, writing=Writing(BEFORE, 1))
    assert upgrading.releases.encode.__self__.encode == upgrading.releases.encode  # type: ignore[attr-defined]


def test_a_record_in_the_form_before_is_read_under_the_schema_before() -> None:
    writing = Writing(BEFORE, 1)
    topic = topics_of(1, writing=writing).approvals
    schema = BEFORE.schema(APPROVALS, BEFORE.of(1))
    data = topic.encode(APPROVAL)
    assert data[:10] == header_in(schema)
    read: Any = fastavro.schemaless_reader(io.BytesIO(data[10:]), parse_schema(schema), None)
    told = to_plain(APPROVAL)
    assert told.pop("region") == "EU"
    assert read == told
    writing.rise_to(2)
    assert topic.decode(topic.encode(APPROVAL)) == APPROVAL


def test_a_word_that_the_form_before_does_not_have_is_refused_not_replaced() -> None:
    topic = topics_of(1, writing=Writing(BEFORE, 1)).approvals
    with pytest.raises(CodecError, match=r"cannot be written as an earlier release writes it: .*WITHDRAWN"):
        topic.encode(replace(APPROVAL, decision=Decision.WITHDRAWN))


def test_a_topic_that_came_with_a_later_form_is_not_written_before_it() -> None:
    writing = Writing(BEFORE, 1)
    facts = FactsIn(BEFORE, BEFORE.of(1))
    with pytest.raises(CodecError, match="form 1 has no ClockTick"):
        facts.pack(ClockTick(1, "keeper"))  # type: ignore[arg-type]  # as a kind of fact would that came later
    assert BEFORE.schema("payments.clock.v1", writing.forms.of(1)) is None


def test_rows_of_a_payment_are_a_function_of_its_facts_whatever_forms_these_came_in() -> None:
    before, now = FactsIn(BEFORE, BEFORE.of(1)), FactsIn(BEFORE, BEFORE.of(2))
    old, new, mixed = payment(before, before, before), payment(now, now, now), payment(before, now, before)
    assert old != new
    assert now.internal_of(mixed) == now.internal_of(new) == now.internal_of(old)
    assert before.internal_of(mixed) == before.internal_of(old) == before.internal_of(new)
    assert kept_of(now.internal_of(mixed), BEFORE)[1] == new.kept


def test_a_fact_is_kept_as_it_came_only_if_it_came_in_the_form_that_is_written() -> None:
    writing = Writing(BEFORE, 1)
    pack = Packer(writing)
    now = load_schema(APPROVALS)
    pack.fact, pack.data = APPROVAL, topics_of(1).approvals.encode(APPROVAL)
    assert pack.data[:10] == header_in(now)
    assert pack(APPROVAL)[1:11] == header_in(BEFORE.schema(APPROVALS, BEFORE.of(1)))
    writing.rise_to(2)
    assert pack(APPROVAL)[1:] == pack.data


def test_a_payment_is_written_in_the_form_in_force_and_read_in_every_form() -> None:
    writing = Writing(AFTER_NEXT, 1)
    rows = PaymentRows(topics_of(1).state, Context(), writing)
    one = payment(FactsIn(FORMS, FORMS.newest))
    forms = []
    for number in (1, 2, 3):
        writing.rise_to(number)
        data = rows.encode(one)
        assert rows.decode(data) == one
        forms.append(topics_of(1).state.decode(data).internal[0])
    assert forms == [1, 2, 3]
    with pytest.raises(CodecError, match=r"internal of form 3, but paystate 98\.0\.0 reads up to form 2"):
        PaymentRows(topics_of(1).state, Context(), Writing(NEXT)).decode(data)


def test_a_private_row_in_the_form_before_has_no_later_field_and_one_in_use_is_refused() -> None:
    writing = Writing(CROWDED, 1)
    rows = RowCodec("payments.duplicates-state.v1", Members, writing=writing)
    assert b"crowded" not in rows.encode(Members(()))
    assert rows.decode(rows.encode(Members(()))) == Members(())
    with pytest.raises(CodecError, match=r"Members\.crowded cannot be written before its form is in force"):
        rows.encode(Members((), crowded=True))
    writing.rise_to(2)
    assert rows.decode(rows.encode(Members((), crowded=True))) == Members((), crowded=True)


def test_a_private_row_of_a_later_form_is_refused_with_what_to_do() -> None:
    later = RowCodec("payments.duplicates-state.v1", Members, writing=Writing(NEXT)).encode(Members(()))
    with pytest.raises(CodecError, match=r"a row of form 2, but paystate .* use the release that wrote it, or a later"):
        RowCodec("payments.duplicates-state.v1", Members).decode(later)
