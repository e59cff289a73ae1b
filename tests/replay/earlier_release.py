"""A worker of a release whose lifecycle did not read verdicts yet: ``python -m tests.replay.earlier_release``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from unittest.mock import patch

from streams.app import stages_of
from streams.cli.main import ending_clearly
from streams.engine import App, Topic
from streams.settings import load
from streams.topics import Topics, inputs_of
from streams.worker import run

LATER: Final = "payments.verdicts.v1"
"""The input that came later."""

inputs: Callable[..., Any] = App.inputs


def _earlier(topics: tuple[Topic[Any], ...]) -> tuple[Topic[Any], ...]:
    return tuple(topic for topic in topics if topic.name != LATER)


def _inputs(app: App, *topics: Topic[Any], **options: Any) -> Any:
    return inputs(app, *_earlier(topics), **options)


def _stages_of(topics: Topics) -> tuple[tuple[Topic[Any], ...], ...]:
    return tuple(map(_earlier, stages_of(topics)))


def _inputs_of(topics: Topics) -> tuple[Topic[Any], ...]:
    return _earlier(inputs_of(topics))


if __name__ == "__main__":
    with (
        ending_clearly(),
        patch.object(App, "inputs", _inputs),
        patch("streams.app.stages_of", _stages_of),
        patch("streams.worker.inputs_of", _inputs_of),
        patch("streams.replay.reading.inputs_of", _inputs_of),
    ):
        run(load(), "INFO")
