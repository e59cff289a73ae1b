"""The record that a dead letter holds, as far as it can be read."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final

from schemas.codec import CodecError
from schemas.plain import to_plain
from schemas.records import DeadLetter, Raw
from streams.topics import Topics

_PREVIEW: Final = 2_000


def readable(letter: DeadLetter, topics: Topics) -> dict[str, Any]:
    """Key, headers and value; the value decoded under its topic's contract, else as text or hex of its beginning."""
    return {
        "key": _text(letter.key),
        "headers": {header.key: _text(header.value) for header in letter.headers},
        "value": _value(letter, topics),
        "value_bytes": None if letter.value is None else len(letter.value),
    }


def _value(letter: DeadLetter, topics: Topics) -> Any:
    if letter.value is None:
        return None
    topic = next((row for row in _all(topics) if row.kafka_name == letter.source_topic), None)
    if topic is None:
        return _text(letter.value)
    try:
        value = topic.decode(letter.value)
    except CodecError:
        return _text(letter.value)
    plain = _printable(to_plain(value))
    if isinstance(value, Raw):
        plain["payload"] = _json_or_text(value.payload)
    return plain


def _all(topics: Topics) -> list[Any]:
    return [getattr(topics, field.name) for field in fields(topics)]


def _json_or_text(payload: bytes) -> Any:
    try:
        return json.loads(payload, parse_float=str)
    except (ValueError, RecursionError):
        return _text(payload)


def _printable(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _printable(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_printable(item) for item in plain]
    return _text(plain) if isinstance(plain, bytes) else plain


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data[:_PREVIEW].hex(" ", 4)
    return text if len(data) <= _PREVIEW else f"{text[:_PREVIEW]} … ({len(data)} bytes)"
