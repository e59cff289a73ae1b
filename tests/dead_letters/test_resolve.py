"""A dead letter is sent again as it was, once, or dropped with a reason; the topic alone says which."""

from __future__ import annotations

import pytest

from schemas.records import DeadLetter
from streams.dead_letters.letters import (
    DeadLetterError,
    Letter,
    LetterId,
    Resolution,
    letter_id,
    letters,
    selected,
    whole,
)
from streams.dead_letters.resolve import Resolver
from streams.engine.dead_letters import Failure, cut
from streams.lookup.log import CommittedLog, Logged, ReadError
from tests.dead_letters.conftest import Lay
from tests.generation import Generation

pytestmark = pytest.mark.kafka


@pytest.fixture
def target(generation: Generation, prefix: str) -> str:
    """The topic that the letters' records came from."""
    return generation.create_topic(prefix, 2)


@pytest.fixture
def resolver(generation: Generation) -> Resolver:
    return Resolver(generation.client, generation.group, generation.topics.dead_letters)


def of_topic(found: list[Letter], topic: str) -> dict[LetterId, Letter]:
    return {letter.id: letter for letter in found if letter.id.topic == topic}


def sent(log: CommittedLog, topic: str) -> list[Logged]:
    return list(log.read(log.places(topic), settled=True))


def decides(row: Logged, about: dict[LetterId, Letter]) -> bool:
    """Whether a record is the decision about one of these letters."""
    return dict(row.headers).get("resolves", b"") in {str(identity).encode() for identity in about}


def test_a_replayed_record_is_the_record_as_it_was_with_one_attempt_more(
    log: CommittedLog, resolver: Resolver, lay: Lay, target: str
) -> None:
    identity = lay(target, b"key", b"\x00\xff value", attempts=3)
    with resolver:
        chosen = selected(resolver.letters(), [identity])
        assert resolver.replay(chosen, "kim", "mapping corrected") == 1
    [record] = sent(log, target)
    assert (record.partition, record.key, record.value) == (1, b"key", b"\x00\xff value")
    assert dict(record.headers) == {"origin": b"test", "attempts": b"3"}


def test_a_record_without_key_and_value_is_replayed_without_them(
    log: CommittedLog, resolver: Resolver, lay: Lay, target: str
) -> None:
    identity = lay(target, None, None)
    with resolver:
        resolver.replay(selected(resolver.letters(), [identity]), "kim", "again")
    [record] = sent(log, target)
    assert (record.key, record.value) == (None, None)


def test_the_topic_says_what_was_replayed_and_dropped_by_whom_and_why(
    generation: Generation, log: CommittedLog, resolver: Resolver, lay: Lay, target: str
) -> None:
    replayed, dropped, kept = (lay(target, name, b"value") for name in (b"a", b"b", b"c"))
    with resolver:
        known = resolver.letters()
        resolver.replay(selected(known, [replayed]), "kim", "mapping corrected")
        resolver.drop(selected(known, [dropped]), "lee", "a test of the bank")
    found = of_topic(letters(log, generation.topics.dead_letters), target)
    assert {identity: letter.resolution for identity, letter in found.items()} == {
        replayed: Resolution.REPLAYED,
        dropped: Resolution.DROPPED,
        kept: Resolution.OPEN,
    }
    decision = found[dropped].decision
    assert decision is not None
    assert (decision.actor, decision.reason) == ("lee", "a test of the bank")
    assert [record.key for record in sent(log, target)] == [b"a"]
    assert [letter.id for letter in selected(found.values())] == [kept]
    decisions = [row for row in log.read(log.places(generation.topics.dead_letters.kafka_name)) if decides(row, found)]
    assert {(row.key, row.value) for row in decisions} == {(b"a", None), (b"b", None)}


def test_a_second_resolver_sees_what_the_first_one_did_and_fences_it(
    generation: Generation, log: CommittedLog, resolver: Resolver, lay: Lay, target: str
) -> None:
    identity = lay(target, b"key", b"value")
    with resolver:
        chosen = selected(resolver.letters(), [identity])
        with Resolver(generation.client, generation.group, generation.topics.dead_letters) as second:
            second.replay(selected(second.letters(), [identity]), "lee", "again")
            assert selected(second.letters(), [identity]) == []
        with pytest.raises(DeadLetterError, match="Nothing of it was sent"):
            resolver.replay(chosen, "kim", "again")
    assert [record.value for record in sent(log, target)] == [b"value"]


def test_nothing_is_sent_or_decided_when_the_topic_is_gone(
    generation: Generation, log: CommittedLog, resolver: Resolver, lay: Lay, prefix: str
) -> None:
    identity = lay(prefix, b"key", b"value")
    with resolver, pytest.raises(ReadError, match="no such topic"):
        resolver.replay(selected(resolver.letters(), [identity]), "kim", "again")
    assert of_topic(letters(log, generation.topics.dead_letters), prefix)[identity].resolution is Resolution.OPEN


def test_a_record_that_dies_again_is_open_again(
    generation: Generation, log: CommittedLog, resolver: Resolver, lay: Lay, target: str
) -> None:
    first = lay(target, b"key", b"value")
    with resolver:
        resolver.replay(selected(resolver.letters(), [first]), "kim", "again")
    second = lay(target, b"key", b"value", attempts=2)
    found = of_topic(letters(log, generation.topics.dead_letters), target)
    assert (found[first].resolution, found[second].resolution) == (Resolution.REPLAYED, Resolution.OPEN)
    assert found[second].attempts == 2


def test_facts_without_a_record_of_their_own_are_letters_of_their_own(
    generation: Generation, log: CommittedLog, resolver: Resolver, lay: Lay, target: str
) -> None:
    for value in (b"first", b"second"):
        lay(target, b"key", value, source_offset=-1)
    known = [letter for letter in letters(log, generation.topics.dead_letters) if letter.source_topic == target]
    assert {letter.id for letter in known} == {
        LetterId(generation.topics.dead_letters.kafka_name, letter.partition, letter.offset) for letter in known
    }
    assert len(known) == 2
    with resolver:
        assert resolver.replay(known[1:], "kim", "again") == 1
    assert [record.value for record in sent(log, target)] == [b"second"]


def cut_letter(generation: Generation, target: str, source_offset: int) -> None:
    """What a worker keeps of a record that is too large for a letter."""
    failure = Failure(
        stage="normalise",
        error_class="BadRecord",
        reason_class="unmappable",
        message="expected sense, found none",
        source_topic=target,
        source_partition=1,
        source_offset=source_offset,
        source_timestamp_ms=1,
        key=b"key",
        value=b"a large value",
        headers=(("origin", b"test"),),
        attempts=1,
        failed_at=1,
        trace_id="",
    )
    kept = cut(failure, 3)
    plain = {name: getattr(kept, name) for name in Failure.__dataclass_fields__ if name != "headers"}
    data = generation.topics.dead_letters.encode(DeadLetter(**plain, headers=()))
    generation.publish_bytes(generation.topics.dead_letters.kafka_name, b"key", data)


def test_a_record_that_was_cut_is_replayed_whole_from_where_it_is(
    generation: Generation, log: CommittedLog, resolver: Resolver, target: str
) -> None:
    with generation.open_transaction() as producer:
        producer.produce(target, b"a large value", b"key", 1, headers=[("origin", b"test")])
    cut_letter(generation, target, source_offset=0)
    with resolver:
        assert resolver.replay(selected(resolver.letters(), [LetterId(target, 1, 0)]), "kim", "again") == 1
    _, again = sent(log, target)
    assert (again.key, again.value) == (b"key", b"a large value")
    assert dict(again.headers) == {"origin": b"test", "attempts": b"1"}


def test_a_record_that_was_cut_and_is_gone_is_not_replayed(
    generation: Generation, resolver: Resolver, target: str
) -> None:
    cut_letter(generation, target, source_offset=7)
    with resolver, pytest.raises(DeadLetterError, match="does not keep it any more"):
        resolver.replay(selected(resolver.letters(), [LetterId(target, 1, 7)]), "kim", "again")


def test_letters_are_chosen_by_reason_and_by_stage(
    generation: Generation, log: CommittedLog, lay: Lay, target: str
) -> None:
    wanted = lay(target, b"a", b"value", reason_class="null_key")
    lay(target, b"b", b"value", reason_class="conflict")
    known = list(of_topic(letters(log, generation.topics.dead_letters), target).values())
    assert [letter.id for letter in selected(known, reason_class="null_key")] == [wanted]
    assert selected(known, reason_class="null_key", stage="lifecycle") == []
    assert len(selected(known, stage="normalise")) == 2


def test_the_held_record_is_found_again(generation: Generation, log: CommittedLog, lay: Lay, target: str) -> None:
    lay(target, b"a", b"first")
    wanted = lay(target, b"a", b"second")
    topic = generation.topics.dead_letters
    [(letter, _, held)] = list(whole(log, topic, selected(letters(log, topic), [wanted])))
    assert (letter.id, held.value) == (wanted, b"second")


def test_an_id_is_read_as_it_is_shown() -> None:
    identity = LetterId("payments.raw.v1", 3, 17)
    assert letter_id(str(identity)) == identity


@pytest.mark.parametrize("text", ["", "17", "payments.raw.v1", "payments.raw.v1[x]@1", "payments.raw.v1[1]@"])
def test_a_text_that_is_no_id_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(DeadLetterError, match=r"expected topic\[partition\]@offset"):
        letter_id(text)
