"""What the settings say is what the engine is told."""

from __future__ import annotations

from streams.app import engine_settings, group_of
from streams.settings import EngineTuning, Settings

CLIENT = {"bootstrap.servers": "broker:9092"}


def test_the_breaker_opens_at_the_share_that_is_set() -> None:
    settings = Settings(engine=EngineTuning(breaker_percent=80))
    assert engine_settings(settings, CLIENT, "one").breaker.share == 0.8


def test_a_later_generation_has_a_group_and_transactional_ids_of_its_own() -> None:
    first, second = Settings(), Settings(generation=2)
    assert group_of(first) != group_of(second)
    ids = {engine_settings(settings, CLIENT, "one").transactional_id for settings in (first, second)}
    assert len(ids) == 2
