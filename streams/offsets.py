"""Where partitions begin and end, as their leaders say; a leader that is being chosen is waited for.

An admin client asks the leaders that it knows, and learns of new ones only when it is told to: without that it would
ask a former leader for ever. Of a leader that does not answer in time it gives no error but an offset that is none, and
while the leader is gone it spins (docs/decisions/0037): it is asked for a short time only, and not at once again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_INVALID, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

#: Said to a client that asks a former leader, or with a former leader's epoch: as after a restart of its broker.
OUTDATED: Final = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)
_PASSING: Final = OUTDATED | {
    KafkaError.UNKNOWN_TOPIC_OR_PART,  # of a topic that was created a moment ago
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
}
_PAUSE_S: Final = 0.1
#: One attempt: a leader that answers at all does so within milliseconds.
_ATTEMPT_S: Final = 2.0
#: How long a new leader is looked for before the old one is asked again.
_LOOKING_S: Final = 1.0

Place = tuple[str, int]
"""A topic's Kafka name and a partition."""


def ask(
    admin: Any,
    asked: Mapping[Place, OffsetSpec],
    timeout_s: float,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
) -> dict[Place, Any]:
    """confluent_kafka's ListOffsetsResultInfo (offset, timestamp in ms) of each place.

    READ_UNCOMMITTED: the end is the high watermark, open transactions count; READ_COMMITTED: the last stable offset.
    Raises KafkaException: of LEADER_NOT_AVAILABLE and the like while a leader is being chosen or does not answer; the
    client has looked for a new one then, and may be asked again.
    """
    if not asked:
        return {}
    attempt_s = min(timeout_s, _ATTEMPT_S)
    try:
        found = _answers(admin, asked, attempt_s, isolation)
    except KafkaException as failure:
        code = failure.args[0].code()
        if code not in OUTDATED and code not in (KafkaError._NOENT, KafkaError._TIMED_OUT):
            raise
        known = admin.list_topics(timeout=attempt_s)
        if code == KafkaError._NOENT and all(topic in known.topics for topic, _ in asked):
            # Said of a broker that has just started: it knows the topics, not yet that it leads them.
            unled = KafkaError(KafkaError.LEADER_NOT_AVAILABLE, failure.args[0].str())
            raise KafkaException(unled) from failure
        raise
    silent = sorted(place for place, answer in found.items() if answer.offset == OFFSET_INVALID)
    if silent:
        _look_for_leaders(admin, silent, attempt_s)
        said = f"no answer within {attempt_s:.1f} s about {', '.join(f'{topic}[{part}]' for topic, part in silent)}"
        raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, said))
    return found


def _answers(
    admin: Any, asked: Mapping[Place, OffsetSpec], timeout_s: float, isolation: IsolationLevel
) -> dict[Place, Any]:
    answers = admin.list_offsets(
        {TopicPartition(*place): spec for place, spec in asked.items()},
        isolation_level=isolation,
        request_timeout=timeout_s,
    )
    try:
        return {(at.topic, at.partition): answer.result(timeout_s + _PAUSE_S) for at, answer in answers.items()}
    except TimeoutError as silence:
        # Python's clock may be a moment ahead of the client's, whose own word would be this one.
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no answer within {timeout_s:.1f} s")) from silence


def _look_for_leaders(admin: Any, places: Sequence[Place], timeout_s: float) -> None:
    """Return when one of the places has another leader than at first, or after a while: it may have been asleep."""
    give_up_s = time.monotonic() + _LOOKING_S
    known = _leaders(admin, places, timeout_s)
    while _leaders(admin, places, timeout_s) == known and time.monotonic() < give_up_s:
        time.sleep(_PAUSE_S)


def _leaders(admin: Any, places: Sequence[Place], timeout_s: float) -> list[int]:
    topics = admin.list_topics(timeout=timeout_s).topics
    return [
        topics[topic].partitions[part].leader if topic in topics and part in topics[topic].partitions else -1
        for topic, part in places
    ]


def ask_again(
    admin: Any,
    asked: Mapping[Place, OffsetSpec],
    patience_s: float,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
) -> dict[Place, Any]:
    """As ``ask``, repeated for ``patience_s`` while a leader is being chosen or no broker answers."""
    give_up_s = time.monotonic() + patience_s
    while True:
        try:
            return ask(admin, asked, patience_s, isolation)
        except KafkaException as failure:
            if failure.args[0].code() not in _PASSING or time.monotonic() > give_up_s:
                raise
        time.sleep(_PAUSE_S)
