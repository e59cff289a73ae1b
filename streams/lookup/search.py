"""Ask for a payment by whatever name is at hand: who fits, what waits for it, and how far the workers are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.cluster import Cluster
from streams.domain.facts import BankAck
from streams.lookup import pipeline
from streams.lookup.files import files_of
from streams.lookup.log import CommittedLog
from streams.lookup.names import Fit, Matched, Name, names_of_fact, names_of_state, suggestions
from streams.lookup.payments import Found, all_payments, payment, payments_named, payments_spoken_of
from streams.lookup.pipeline import Pipeline
from streams.lookup.story import Story, story_of
from streams.lookup.waiting import FactsOf, UnreadableFact, WaitingFact, all_parked, parked, said_on_raw
from streams.topics import Topics


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known under a name. ``more``: payments that fit beyond those that are kept.

    ``waiting``: facts without a payment, parked or unread. ``suggestions`` only if nothing at all was found.
    """

    asked: str
    payments: tuple[Found, ...]
    more: int
    waiting: tuple[WaitingFact, ...]
    unreadable: tuple[UnreadableFact, ...]
    suggestions: tuple[str, ...]
    pipeline: Pipeline

    @property
    def empty(self) -> bool:
        """Whether nobody knows that name."""
        return not (self.payments or self.waiting or self.unreadable)


class Search:
    """Searches one generation of a cluster. ``facts_of`` maps raw records that no worker has read yet."""

    def __init__(self, cluster: Cluster, topics: Topics, group: str, facts_of: FactsOf) -> None:
        self._cluster = cluster
        self._inputs = pipeline.input_topics(topics)
        self._group = group
        self._topics = topics
        self._facts_of = facts_of
        self.log = CommittedLog(cluster.client)

    def ask(self, asked: str) -> Answer:
        """Everything under one name. Raises ReadError, KafkaException, CodecError."""
        now = pipeline.look(self._cluster, self.log, self._group, self._inputs)
        payments, more = self._payments(asked)
        facts = self._waiting(asked, now)
        if not payments and not facts:
            facts = said_on_raw(self.log, self._topics, now, self._facts_of, asked, taken_too=True)
        waiting = tuple(fact for fact in facts if isinstance(fact, WaitingFact))
        unreadable = tuple(fact for fact in facts if isinstance(fact, UnreadableFact))
        near = () if payments or facts else suggestions(asked, self._names())
        return Answer(asked, payments, more, waiting, unreadable, near, now)

    def story(self, found: Found) -> Story:
        """The whole story of a payment that was found."""
        return story_of(self.log, self._topics, found.state)

    def _payments(self, asked: str) -> tuple[tuple[Found, ...], int]:
        """By correlation id, else by exact name, else by what was said about them, else by the beginning of a name."""
        state = payment(self.log, self._topics.state, asked)
        if state is not None:
            return (Found(state, Matched(Name("correlation id", asked), Fit.EXACT)),), 0
        matches = payments_named(self.log, self._topics.state, asked)
        if not matches[Fit.EXACT].found:
            spoken_of = payments_spoken_of(self.log, self._topics, asked)
            if spoken_of:
                return tuple(spoken_of), 0
        best = matches[Fit.EXACT] if matches[Fit.EXACT].found else matches[Fit.PREFIX]
        ordered = sorted(best.found.values(), key=lambda found: found.state.correlation_id)
        return tuple(ordered), len(best.beyond)

    def _waiting(self, asked: str, now: Pipeline) -> list[WaitingFact | UnreadableFact]:
        """Exact names hide those that only begin so, as for payments."""
        facts = [
            *parked(self.log, self._topics, asked),
            *said_on_raw(self.log, self._topics, now, self._facts_of, asked),
        ]
        exact = [fact for fact in facts if isinstance(fact, UnreadableFact) or fact.matched.fit is Fit.EXACT]
        return exact if any(isinstance(fact, WaitingFact) for fact in exact) else facts

    def _names(self) -> Iterator[Name]:
        for state in all_payments(self.log, self._topics.state):
            yield from names_of_state(state)
        for fact in all_parked(self.log, self._topics):
            yield from names_of_fact(fact)

    def files_of_waiting(self, answer: Answer) -> dict[str, str]:
        """The names of the files that waiting facts come from, by hash."""
        hashes = {row.fact.file_hash for row in answer.waiting if isinstance(row.fact, BankAck) and row.fact.file_hash}
        entries = files_of(self.log, self._topics.files, hashes)
        return {file_hash: entry.name for file_hash, entry in entries.items()}
