"""How far the workers are: every input counts, and a group that nobody joined is behind by all there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from streams.app import build
from streams.cluster import Cluster
from streams.lookup.log import CommittedLog
from streams.lookup.pipeline import Member, Pipeline, input_topics, look
from streams.settings import KafkaSettings, Settings
from streams.topics import topics_of
from tests.generation import Generation

WORKER = Member("worker", "127.0.0.1", 4)


def test_the_inputs_are_those_of_the_pipeline_but_for_ticks(tmp_path: Path) -> None:
    abroad = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    settings = Settings(kafka=abroad, data_dir=tmp_path, account_hash_key=SecretStr("k" * 32), generation=3)
    app = build(settings, settings.client_config(), "worker-1")
    read = {topic.kafka_name for inputs in app._inputs for topic in inputs.topics if topic.ticks is None}
    assert set(input_topics(topics_of(3))) == read


@pytest.mark.parametrize(
    ("members", "behind", "advice"),
    [
        ((WORKER,), 0, None),
        ((WORKER,), 5, "the workers are 5 records behind"),
        ((), 5, "no worker runs and 5 records wait"),
        ((), 0, "no worker runs"),
    ],
)
def test_advice_says_what_is_missing_for_a_complete_answer(
    members: tuple[Member, ...], behind: int, advice: str | None
) -> None:
    said = Pipeline("paystate", "stable", members, {}, {("raw", 0): behind}).advice
    assert said is None if advice is None else said is not None and said.startswith(advice)


@pytest.mark.kafka
def test_lag_counts_from_what_the_group_committed(generation: Generation, log: CommittedLog, prefix: str) -> None:
    topic, admin = generation.create_topic(prefix, 1), AdminClient(generation.client)
    cluster = Cluster(Settings(), dict(generation.client))
    for value in (b"a", b"b", b"c"):
        generation.publish_bytes(topic, None, value, partition=0)
    (place,) = ((record.topic, record.partition) for record in log.read([(topic, 0)]) if record.offset == 0)
    assert look(cluster, log, prefix, [topic]).lag == {place: 3}
    committed = ConsumerGroupTopicPartitions(prefix, [TopicPartition(topic, 0, 2)])
    for answer in admin.alter_consumer_group_offsets([committed]).values():
        answer.result(30)
    now = look(cluster, log, prefix, [topic])
    assert (now.behind, now.positions, now.members) == (1, {place: 2}, ())
