"""librdkafka repeats itself hundreds of times a minute; the log does not."""

from __future__ import annotations

import logging

import pytest

from streams.engine.clients import ClientLog


def said(text: str) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.WARNING, __file__, 1, text, None, None)


def test_a_message_that_differs_in_numbers_only_is_passed_once_in_a_while() -> None:
    now_s = [100.0]
    log = ClientLog(every_s=30.0, clock=lambda: now_s[0])
    assert log.filter(said("broker:9092/1: refused after 12 ms"))
    assert not log.filter(said("broker:9093/2: refused after 7 ms"))
    assert log.filter(said("all brokers are down"))
    now_s[0] += 30.0
    assert log.filter(said("broker:9092/1: refused after 3 ms"))


@pytest.mark.parametrize("first", [0.0, 5.0])
def test_the_first_message_is_passed_however_young_the_machine_is(first: float) -> None:
    assert ClientLog(every_s=30.0, clock=lambda: first).filter(said("refused"))
