"""An answer as one JSON object, for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.plain import to_plain
from streams.domain.state import State
from streams.lookup.pipeline import Pipeline
from streams.lookup.search import Answer
from streams.lookup.story import Story
from streams.lookup.waiting import WaitingFact

_NOT_SHOWN: Final = frozenset({"internal", "account_hash"})
"""Ours alone, and what is hashed here without the workers' key if it is not at hand."""


def document(answer: Answer, stories: Mapping[str, Story]) -> dict[str, Any]:
    """``payments`` in full where their story was read, by id and status where many fit. Times are microseconds UTC."""
    return {
        "asked": answer.asked,
        "payments": [
            {
                "matched": str(found.matched.name),
                "fit": found.matched.fit.value,
                **_payment(stories.get(found.state.correlation_id), found.state),
            }
            for found in answer.payments
        ],
        "more_payments": answer.more,
        "facts": [_fact(row) for row in answer.waiting],
        "unreadable": [
            {"topic": row.raw.topic, "partition": row.raw.partition, "offset": row.raw.offset, "problem": row.problem}
            for row in answer.unreadable
        ],
        "suggestions": list(answer.suggestions),
        "pipeline": _pipeline(answer.pipeline),
    }


def _payment(story: Story | None, state: State) -> dict[str, Any]:
    if story is None:
        return {"correlation_id": state.correlation_id, "status": state.status.name}
    return {
        "correlation_id": state.correlation_id,
        "status": state.status.name,
        "state": _shown(to_plain(state)),
        "transitions": [to_plain(step) for step in story.transitions],
        "alerts": [to_plain(alert) for alert in story.alerts],
        "duplicates": [to_plain(pair) for pair in story.duplicates],
        "files": {file_hash: entry.name for file_hash, entry in story.files.items()},
    }


def _fact(row: WaitingFact) -> dict[str, Any]:
    return {
        "type": type(row.fact).__name__,
        "waiting": row.where.name,
        "why": row.where.value,
        "matched": str(row.matched.name),
        "fact": _shown(to_plain(row.fact)),
    }


def _pipeline(now: Pipeline) -> dict[str, Any]:
    return {
        "group": now.group,
        "state": now.state,
        "workers": len(now.members),
        "records_behind": now.behind,
        "advice": now.advice,
    }


def _shown(plain: Any) -> Any:
    """Without what is not for others, at any depth."""
    if isinstance(plain, dict):
        return {key: _shown(value) for key, value in plain.items() if key not in _NOT_SHOWN}
    return [_shown(item) for item in plain] if isinstance(plain, list) else plain
