"""A dead letter says all that is known, whatever the record holds."""

from __future__ import annotations

import pytest

from streams.engine import BadRecord, DeadLetters, InfrastructureError, Record, Topic
from streams.engine.dead_letters import Failure, cut, describe
from streams.engine.outbox import Outbox, Sending
from streams.engine.topic import Route

from .fakes import Said

TOPIC: Topic[bytes] = Topic("in", bytes, bytes, kafka_name="in.g2")


def record(said: Said) -> Record:
    return Record(TOPIC, 0, said, said.offset(), 0)


def described(error: Exception, said: Said | None = None) -> Failure:
    return describe("stage", record(Said() if said is None else said), error, 9)


def outbox(most_bytes: int) -> Outbox:
    sending = Sending(
        {},
        DeadLetters("dead", lambda f: f.message.encode() + (f.value or b"")),
        Route("dead", 2, most_bytes),
        lambda: 9,
    )
    return Outbox(sending, "stage", 0, 2)


def test_the_record_is_kept_whole_with_its_place_and_headers() -> None:
    headers: list[tuple[str, bytes | None]] = [("trace_id", b"t-1"), ("attempts", b"4"), ("empty", None)]
    said = Said("in.g2", 1, 77, b"\x00key", b"\xffvalue", ms=12, headers_=headers)
    assert described(BadRecord("no such bank", "unknown_bank"), said) == Failure(
        stage="stage",
        error_class="BadRecord",
        reason_class="unknown_bank",
        message="no such bank",
        source_topic="in.g2",
        source_partition=1,
        source_offset=77,
        source_timestamp_ms=12,
        key=b"\x00key",
        value=b"\xffvalue",
        headers=tuple(headers),
        attempts=5,
        failed_at=9,
        trace_id="t-1",
    )


@pytest.mark.parametrize("text", [b"-1", b"1e3", b"99999999999", "١".encode(), b"\xff"])
def test_a_header_that_is_no_count_counts_nothing(text: bytes) -> None:
    assert described(ValueError("x"), Said(headers_=[("attempts", text)])).attempts == 1


def test_half_characters_in_an_errors_text_do_not_stop_the_partition() -> None:
    """JSON can hold them, UTF-8 cannot."""
    assert described(ValueError("unknown currency \ud800")).message == "unknown currency \\ud800"


def test_a_long_text_is_cut() -> None:
    assert len(described(ValueError("\ud800" * 9000)).message) == 4000


def test_a_record_larger_than_any_topic_takes_is_kept_cut_and_says_so() -> None:
    out = outbox(2_000)
    out.dead_letter(record(Said("in.g2", 0, 5, b"k", b"x" * 50_000)), ValueError("too much"))
    [(_, letter, key, _)] = out.sent
    assert key == b"k"
    assert letter is not None
    assert len(letter) <= 2_000
    assert letter.startswith(
        b"[cut: the record has a key of 1, a value of 50000 bytes and 0 headers; it is whole at in.g2"
    )
    assert letter.endswith(b"too much" + b"x" * 500)


def test_what_fits_is_not_cut() -> None:
    out = outbox(2_000)
    out.dead_letter(record(Said(value_=b"x" * 1_900)), ValueError("bad"))
    assert out.sent[0][1] == b"bad" + b"x" * 1_900


def test_a_record_without_key_or_value_stays_without_when_cut() -> None:
    failure = cut(described(ValueError("x"), Said(key_=None, value_=None)), 10)
    assert (failure.key, failure.value) == (None, None)


def test_a_dead_letter_that_cannot_be_written_ends_the_process_and_names_the_record() -> None:
    def refuse(_: Failure) -> bytes:
        raise ValueError("no such field")

    sending = Sending({}, DeadLetters("dead", refuse), Route("dead", 1, 100), lambda: 9)
    with pytest.raises(InfrastructureError, match=r"in\.g2\[0\]@5.*no such field"):
        Outbox(sending, "stage", 0, 1).dead_letter(record(Said("in.g2", 0, 5)), ValueError("x"))
