"""What to do about a dead letter, by the class of its reason."""

from __future__ import annotations

from typing import Final

_REPLAY: Final = "then `paystate dlq replay`"
ADVICE: Final[dict[str, str]] = {
    "null_key": "the producer must send the record again with its key; then `paystate dlq drop` this one",
    "null_value": "the producer must send the record again with a value; then `paystate dlq drop` this one",
    "undecodable": "written under a schema that this paystate does not know (upgrade, "
    + _REPLAY
    + "), or by something "
    "that is no producer of this topic (find it by the key and headers, then drop)",
    "unmappable": "have the sender correct it, or correct the mapping or the bank profile, " + _REPLAY,
    "conflict": "the same id came before with other content, which counts: ask the sender which one is meant; if it is "
    "this one, have it sent under an id of its own; then `paystate dlq drop`",
    "wrong_key": "its key is not its payment: the producer must send it again under its correlation id; then drop it",
    "invalid": "the message says what it lacks; have the sender correct it; then drop it",
    "limit": "its payment has more facts than are kept, and earlier ones count: look for a source that repeats itself; "
    "then drop it",
    "rejected": "the message says which limit it would break; remove the cause, " + _REPLAY,
    "oversized": "what it would write is larger than its topic takes: raise max.message.bytes, " + _REPLAY,
    "unencodable": "what it would write does not fit the contract: a defect of paystate; upgrade, " + _REPLAY,
    "handler_error": "a defect of paystate: report the message; upgrade, " + _REPLAY,
}
_ELSE: Final = "read the message, remove the cause, " + _REPLAY


def advice(reason_class: str) -> str:
    """What to do."""
    return ADVICE.get(reason_class, _ELSE)
