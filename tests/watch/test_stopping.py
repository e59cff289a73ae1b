"""SIGTERM and Ctrl-C end the watch where it may be ended."""

from __future__ import annotations

import os
import signal

import pytest

from connectors.watch.stopping import Stop, StoppedError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_breaks_off_what_may_be_broken_off_and_ends_quietly(number: signal.Signals) -> None:
    stop, reached = Stop(), []
    with stop.on_signals():
        with stop.breakable():
            os.kill(os.getpid(), number)
            reached.append("after the signal")
        reached.append("after the block")
    assert (stop.requested, reached) == (True, [])


def test_what_may_not_be_broken_off_is_finished_first() -> None:
    stop, reached = Stop(), []
    with stop.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append("finished")
        stop.pause(60)
        reached.append("never")
    assert (stop.requested, reached) == (True, ["finished"])


def test_a_second_signal_does_not_break_into_the_first_ones_end() -> None:
    stop, cleaned = Stop(), []
    with stop.on_signals(), stop.breakable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append(True)
    assert cleaned == [True]


def test_handlers_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stop().on_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_pause_after_the_request_ends_at_once() -> None:
    stop = Stop()
    stop.request()
    with pytest.raises(StoppedError):
        stop.pause(60)
