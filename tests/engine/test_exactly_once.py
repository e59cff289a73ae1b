"""What comes in comes out once: through two stages, beside bad neighbours, whatever the batch."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import Producer

from streams.engine import BreakerSettings

from .arena import Arena, wait_until
from .ledger import iterate_ids

pytestmark = pytest.mark.kafka


def test_every_record_has_its_effect_once_through_both_stages(arena: Arena) -> None:
    sent = arena.deposit(iterate_ids("e", 500))
    with arena.running():
        arena.wait_until_folded()
        sent += arena.deposit(iterate_ids("f", 500))
        arena.wait_until_folded()
    arena.check_books(sent)
    arena.check_stores()


def test_small_units_change_nothing(arena: Arena) -> None:
    sent = arena.deposit(iterate_ids("e", 120))
    # Of the seven records that a unit may take it folds three or four: what they send is enough.
    with arena.running(unit_max_records=7, unit_bytes=1_200, table_cache_bytes=200, input_buffer_bytes=8_000) as one:
        arena.wait_until_folded()
        assert one.engine.status().units >= 20
    arena.check_books(sent)
    arena.check_stores()


def test_a_record_that_raises_leaves_nothing_behind_and_its_neighbours_survive(arena: Arena) -> None:
    arena.send(arena.names.deposits, "k1", {"id": "a"})
    arena.send(
        arena.names.deposits,
        "k1",
        {"id": "b", "poison": True},
        headers=[("trace_id", b"trace-7"), ("attempts", b"2")],
    )
    arena.send(arena.names.deposits, "k1", {"id": "c"})
    arena.producer.flush()
    with arena.running():
        arena.wait_until_folded()
    arena.check_books(["a", "c"])
    arena.check_stores()
    (letter,) = arena.read(arena.names.dead_letters)
    failure = json.loads(letter.value())
    assert letter.key() == b"k1"
    assert failure == {
        "stage": "ledger",
        "error_class": "BadRecord",
        "reason_class": "poison",
        "message": "this record is poison",
        "place": [arena.names.deposits, letter.partition(), 1],
        "key": b"k1".hex(),
        "value": json.dumps({"id": "b", "poison": True}).encode().hex(),
        "headers": [["trace_id", "trace-7"], ["attempts", "2"]],
        "attempts": 3,
    }


def test_whatever_is_wrong_with_a_record_it_becomes_a_dead_letter_beside_unharmed_neighbours(arena: Arena) -> None:
    deposits = arena.names.deposits
    sent = arena.deposit(iterate_ids("e", 20))
    arena.send(deposits, "k1", b"{ not json")
    arena.send(deposits, None, {"id": "no key"}, partition=0)
    arena.send(deposits, b"\xff\xfe", {"id": "key is not text"}, partition=0)
    arena.send(deposits, "k2", None)
    arena.send(deposits, "k3", {"id": "too large", "send_bytes": 1_200_000})
    arena.send(deposits, "row", {"id": "no such row", "last": "unencodable"})
    arena.send(deposits, "k5", {"missing": "id"})
    # JSON can hold half characters, UTF-8 cannot: in a row's key, and in an error's text.
    arena.send(deposits, "k6", {"id": "half a character", "key": "\ud800"})
    arena.send(deposits, "k7", {"id": "half a character", "say": "\ud800"})
    arena.producer.flush()
    sent += arena.deposit(iterate_ids("f", 20))
    with arena.running():
        arena.wait_until_folded()
    arena.check_books(sent)
    arena.check_stores()
    reasons = sorted(failure["reason_class"] for failure in arena.values(arena.names.dead_letters))
    assert reasons == [
        "handler_error",
        "handler_error",
        "null_key",
        "null_value",
        "oversized",
        "undecodable",
        "undecodable",
        "unencodable",
        "unencodable",
    ]


def test_the_largest_record_of_an_input_fits_the_dead_letters(arena: Arena) -> None:
    value = b"x" * 1_048_488
    arena.producer.produce(arena.names.deposits, value, "k")
    arena.producer.flush()
    with arena.running():
        arena.wait_until_folded()
    (failure,) = arena.values(arena.names.dead_letters)
    assert bytes.fromhex(failure["value"]) == value


def test_a_record_that_compression_brought_past_the_limit_does_not_stop_its_partition(arena: Arena) -> None:
    """The broker counts compressed bytes: what comes out may fit no topic. It is kept cut, its neighbours untouched."""
    squeezing = Producer({**arena.client, "compression.type": "gzip", "message.max.bytes": 10_000_000})
    squeezing.produce(arena.names.deposits, b" " * 5_000_000 + b"x", "k1")
    squeezing.flush()
    sent = arena.deposit(iterate_ids("e", 10))
    with arena.running():
        arena.wait_until_folded()
    arena.check_books(sent)
    (failure,) = arena.values(arena.names.dead_letters)
    assert failure["reason_class"] == "undecodable"
    assert "a value of 5000001 bytes" in failure["message"]
    assert bytes.fromhex(failure["value"]) == b" " * (len(failure["value"]) // 2)


def test_the_breaker_stops_the_worker_before_a_topic_is_drained_into_dead_letters(arena: Arena) -> None:
    for number in range(200):
        arena.send(arena.names.deposits, f"k{number}", {"id": str(number), "poison": True})
    arena.producer.flush()
    breaker = BreakerSettings(window_keys=100, share=0.5, least_dead_keys=10)
    with arena.running(breaker=breaker, unit_max_records=8) as running:
        wait_until(lambda: running.engine.status().state == "failed", "the breaker has opened")
        status = running.engine.status()
        assert not status.live
        assert "dead letters" in status.reason
    assert len(arena.read(arena.names.dead_letters)) < 20


def test_a_deleted_row_is_a_tombstone_in_the_topic_and_gone_from_the_store(arena: Arena) -> None:
    arena.deposit(["a", "b"], keys=1)
    with arena.running():
        arena.wait_until_folded()
        arena.send(arena.names.deposits, "k0", {"id": "c", "forget": True})
        arena.producer.flush()
        arena.wait_until_folded()
    assert arena.table(arena.names.accounts) == {}
    assert [message.value() for message in arena.read(arena.names.accounts)][-1] is None
    arena.check_stores()


def test_a_long_scan_goes_on_in_the_next_unit_behind_what_it_has_done(arena: Arena) -> None:
    """The rows of one partition are visited once each, in slices; records behind the scan wait for its end."""
    for number in range(300):
        arena.send(arena.names.deposits, f"row-{number:04d}", {"id": str(number)}, partition=0)
    arena.producer.flush()
    with arena.running():
        arena.wait_until_folded()
    arena.send(arena.names.deposits, "fan", {"id": "fan", "fan_out": "row-", "slice": 40}, partition=0)
    arena.send(arena.names.deposits, "row-0000", {"id": "after"}, partition=0)
    arena.producer.flush()
    units_before_end = []
    with arena.running("two") as running:
        wait_until(running.is_ready, "the worker is ready")
        arena.wait_until_folded()
        units_before_end.append(running.engine.status().units)
    assert units_before_end[0] >= 8
    visits = [m.key() for m in arena.read(arena.names.receipts) if json.loads(m.value())["id"] == "fan"]
    assert visits == [f"row-{number:04d}".encode() for number in range(300)]
    assert json.loads(arena.table(arena.names.accounts)[0, b"row-0000"]) == {"count": 2, "last": "after"}


def test_a_missing_topic_and_unequal_partitions_are_told_together_before_anything_is_read(arena: Arena) -> None:
    for deleted in arena.admin.delete_topics([arena.names.receipts]).values():
        deleted.result()
    wait_until(lambda: arena.names.receipts not in arena.admin.list_topics(timeout=10).topics, "the topic is gone")
    with arena.running(partitions=3) as running:
        wait_until(lambda: running.engine.status().state == "failed", "the engine has refused to start")
        reason = running.engine.status().reason
    assert f"{arena.names.receipts} does not exist" in reason
    assert f"{arena.names.deposits} has 2 partitions, expected 3" in reason
