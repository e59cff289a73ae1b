"""What happens at the limits, end to end on the real broker: is memory bounded, and do the others wait?

    python -m bench.limits [--case burst|hot-key|hot-key-backwards|batch|hot-partition|all] [--json]

- burst: a backlog of events is there before a worker starts.
- hot-key: one payment gets very many facts, in the order of their receipt; hot-key-backwards: the other way round, so
  that each takes the place of another.
- batch: a bank acknowledges a message with very many payments in it by one word.
- hot-partition: one partition gets ten times what the others get, or a backlog. Before and during, in turns.

Every case has a broker and workers of its own. Memory is the peak of the resident memory of a worker process, as the
kernel counts it (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.join import PARTITIONS, Arrivals, produce
from bench.limits_heat import hot_partition
from bench.limits_run import TOPICS, longest_transaction, running, tell, timed, told
from bench.load import STREAMS, Encoded, Facts
from streams.domain.correlation import CarriedFact, CarriedType
from streams.domain.facts import BankAck, Level, Reference, ReferenceKind, Release
from streams.domain.identity import stable_id
from streams.domain.policy import FACT_CAP
from streams.domain.references import lookup_of, registers_of
from streams.domain.statuses import Status

IN_FLIGHT: Final = 1_000

Figures = dict[str, object]


@dataclass(frozen=True)
class Sizes:
    """How large the cases are."""

    events: int
    facts: int
    members: int
    heat: int
    rounds: int
    round_s: int
    workers: int


def burst(sizes: Sizes) -> Figures:
    """Three facts a payment, all of them produced before the first worker starts."""
    with running() as run:
        load = produce(run.client, Facts("burst").payments(sizes.events // len(STREAMS), IN_FLIGHT))
        events = told(load, "events produced")
        run.start(sizes.workers)
        taken_s = timed(lambda: run.await_taken(*STREAMS))
        rest_s = timed(run.await_rest)
        return {
            "events": events,
            "workers": sizes.workers,
            "seconds": round(taken_s, 1),
            "seconds_more_until_at_rest": round(rest_s, 1),
            "events_per_s": round(events / taken_s),
            "cpu_us_per_event": round(run.cpu_s() / events * 1e6),
            "peak_rss_mb": run.peaks(),
        }


def hot_key(sizes: Sizes, *, backwards: bool) -> Figures:
    """Acknowledgements and submissions in turns, each of an attempt of its own: the dearest facts for their number."""
    with running() as run:
        run.start().await_active()
        last = sizes.facts // 20
        parts = {
            "up to the cap": FACT_CAP,
            "beyond it, the first": last,
            "beyond it": max(0, sizes.facts - FACT_CAP - 2 * last),
            "beyond it, the last": last,
        }
        facts = _facts_of_one(sizes.facts, backwards=backwards)
        costs: dict[str, int] = {}
        begun_s = time.monotonic()
        for part, count in parts.items():
            cpu_s = run.cpu_s()
            told(produce(run.client, (next(facts) for _ in range(count))), f"facts, {part}")
            run.await_taken(*STREAMS)
            costs[part] = round((run.cpu_s() - cpu_s) / max(1, count) * 1e6)
        taken_s = time.monotonic() - begun_s
        run.await_rest()
        state = TOPICS.state
        row = max((message for message in run.read(state.kafka_name)), key=lambda message: message.offset())
        return {
            "events": sizes.facts,
            "seconds": round(taken_s, 1),
            "cpu_us_per_fact": costs,
            "row_bytes": len(row.value()),
            "rows_written": sum(run.ends(state.kafka_name).values()),
            "dead_letters": sum(1 for _ in run.read(TOPICS.dead_letters.kafka_name)),
            "peak_rss_mb": run.peaks(),
        }


def _facts_of_one(count: int, *, backwards: bool) -> Iterator[Encoded]:
    """Facts of one payment, by the time of their receipt."""
    facts = Facts("hot")
    ack = TOPICS.bank_acks.decode(facts.acknowledgement(0).value)
    release = TOPICS.releases.decode(facts.release(0).value)
    key = facts.key(0).encode()
    for number in range(count):
        later_us = (count - number if backwards else number) * 1_000
        event_id = stable_id("bench hot", str(number))
        of_it = {"event_id": event_id, "payload_hash": event_id, "message_id": f"MSG-{number // 2}"}
        kind: tuple[Any, Any] = (TOPICS.releases, release) if number % 2 == 0 else (TOPICS.bank_acks, ack)
        topic, fact = kind
        changed = replace(
            fact, **of_it, received_at=fact.received_at + later_us, occurred_at=fact.occurred_at + later_us
        )
        yield Encoded(topic.name, key, topic.encode(changed), event_id)


def batch(sizes: Sizes) -> Figures:
    """From the bank's word about a message to the transition of the last of its payments."""
    with running() as run:
        run.start().await_active()
        told(produce(run.client, _members(sizes.members)), "releases and names of members", 50_000)
        run.await_rest()
        arrivals = Arrivals(run.client)
        arrivals.start()
        arrivals.ready.wait(30)
        before_mb = run.peaks()
        word = _word_about_all()
        tell("the bank says its word")
        begun_s, cpu_s = time.time(), run.cpu_s()
        told(produce(run.client, [word]), "words")
        scan_s = timed(lambda: run.await_taken(TOPICS.references.kafka_name))
        run.await_rest()
        arrivals.done.set()
        arrivals.join()
        last_s = arrivals.seen_s.get(word.event_id, begun_s)
        acks = TOPICS.bank_acks.kafka_name
        return {
            "events": arrivals.counts[word.event_id],
            "members": sizes.members,
            "seconds": round(last_s - begun_s, 1),
            "names_wait_s": round(scan_s, 1),
            "cpu_us_per_member": round((run.cpu_s() - cpu_s) / sizes.members * 1e6),
            "longest_transaction_records": longest_transaction(run.read(acks)),
            "peak_rss_mb_before": before_mb,
            "peak_rss_mb": run.peaks(),
        }


_GROUP_NAME: Final = Reference(ReferenceKind.MESSAGE_ID, "MSG-OF-ALL")


def _members(count: int) -> Iterator[Encoded]:
    """A release of each payment, and its name of the message, as `normalise` sends them."""
    facts = Facts("batch")
    for number in range(count):
        release: Release = TOPICS.releases.decode(facts.release(number).value)
        release = replace(release, message_id=_GROUP_NAME.value, references=(_GROUP_NAME,))
        value = TOPICS.releases.encode(release)
        yield Encoded(TOPICS.releases.name, facts.key(number).encode(), value, release.event_id)
        for message in registers_of(release):
            name = TOPICS.references.encode(message)
            yield Encoded(TOPICS.references.name, message.key.encode(), name, release.event_id)


def _word_about_all() -> Encoded:
    """A lookup of a status of the whole message."""
    ack: BankAck = TOPICS.bank_acks.decode(Facts("batch").acknowledgement(0).value)
    event_id = stable_id("bench word about all")
    ack = replace(
        ack,
        event_id=event_id,
        payload_hash=event_id,
        correlation_id="",
        level=Level.GROUP,
        milestone=Status.BANK_ACCEPTED,
        message_id=_GROUP_NAME.value,
        payment_info_id=None,
        bank_ref=None,
        references=(_GROUP_NAME,),
        delivery=0,
    )
    payload = TOPICS.bank_acks.encode(ack)
    message = lookup_of(
        CarriedFact(event_id, ack.received_at, CarriedType.BANK_ACK, payload, ack.references), ack.trace_id
    )
    assert message is not None
    value = TOPICS.references.encode(message)
    return Encoded(TOPICS.references.name, message.key.encode(), value, event_id)


CASES: Final[dict[str, Callable[[Sizes], Figures]]] = {
    "burst": burst,
    "hot-key": lambda sizes: hot_key(sizes, backwards=False),
    "hot-key-backwards": lambda sizes: hot_key(sizes, backwards=True),
    "batch": batch,
    "hot-partition": lambda sizes: hot_partition(sizes.heat, sizes.rounds, sizes.round_s),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=(*CASES, "all"), default="all")
    parser.add_argument("--events", type=int, default=2_000_000, help="of the burst")
    parser.add_argument("--facts", type=int, default=100_000, help="of the hot key")
    parser.add_argument("--members", type=int, default=100_000, help="of the batch")
    parser.add_argument("--heat", type=int, default=10, help="of the hot partition, times the others' rate")
    parser.add_argument("--rounds", type=int, default=6, help="of the hot partition: before and during, in turns")
    parser.add_argument("--round-seconds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1, help="of the burst")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sizes = Sizes(
        given.events, given.facts, given.members, given.heat, given.rounds, given.round_seconds, given.workers
    )
    found: dict[str, Figures] = {}
    for case in CASES if given.case == "all" else (given.case,):
        tell(f"case {case}")
        load_before = round(os.getloadavg()[0], 2)
        found[case] = CASES[case](sizes)
        found[case]["load_average"] = [load_before, round(os.getloadavg()[0], 2)]
    conditions = {"partitions": PARTITIONS, "cores": os.cpu_count(), "python": sys.version.split()[0]}
    if given.json:
        print(json.dumps({**found, "conditions": conditions}))
        return
    for case, figures in found.items():
        print(case)
        for name, value in figures.items():
            print(f"{name:>30}  {value}")
    print("conditions:", ", ".join(f"{name} {value}" for name, value in conditions.items()))


if __name__ == "__main__":
    main()
