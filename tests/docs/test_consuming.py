"""The program in docs/consuming.md reads what the pipeline writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import codec
from streams.domain.payment import as_state
from streams.domain.state import State, Transition
from tests.domain.given import ack, after, approval, release, submission

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / "schemas/avro/payments.state.v1.avsc"
TRANSITION = ROOT / "schemas/avro/payments.transitions.v1.avsc"


@pytest.fixture(scope="module")
def reader() -> Any:
    """The class that the page defines."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/consuming.md").read_text(encoding="utf-8"), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(program, scope)  # noqa: S102 -- our own page
    return scope["Reader"]


def test_a_state_is_read_as_the_page_says(reader: Any) -> None:
    told = after(approval("a"), release("r"), submission("s"), ack("k", "ACCP"))
    record = reader(STATE).decode(codec("payments.state.v1", State).encode(as_state(told.known, b"ours")))
    assert (record["correlation_id"], record["status"], record["closed"]) == ("P1", "BANK_ACCEPTED", False)
    assert record["instructed"] == {"minor": 100_000, "currency": "USD", "exponent": 2}
    assert record["last_transition_seq"] == len(told.transitions)


def test_transitions_form_the_chain_that_the_page_promises(reader: Any) -> None:
    told = after(approval("a"), release("r"), submission("s"), ack("k", "ACCP"))
    encode = codec("payments.transitions.v1", Transition).encode
    chain = [reader(TRANSITION).decode(encode(step)) for step in told.transitions]
    assert [step["seq"] for step in chain] == list(range(1, len(chain) + 1))
    assert [step["previous_id"] for step in chain] == [None, *(step["transition_id"] for step in chain[:-1])]


def test_another_framing_is_told(reader: Any) -> None:
    with pytest.raises(ValueError, match="expected Avro single-object encoding, found 0000"):
        reader(STATE).decode(b"\x00\x00\x00\x00\x01")
