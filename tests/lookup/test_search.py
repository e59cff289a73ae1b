"""Whatever name is at hand leads to the payment, or to what waits for one, and says how complete the answer is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.records import FileEntry, Raw
from streams.agents.correlate import ROWS, Member
from streams.cluster import Cluster
from streams.domain.correlation import CarriedFact, CarriedType, Registration
from streams.domain.facts import BankAck, Reference, ReferenceKind
from streams.domain.fingerprints import DuplicateAlert
from streams.domain.homes import HomeRow
from streams.domain.shared_names import KeptFact
from streams.domain.state import Alert, AlertState, State, Transition
from streams.domain.statuses import Status
from streams.lookup.document import document
from streams.lookup.names import Fit
from streams.lookup.search import Search
from streams.lookup.waiting import Whereabouts
from streams.settings import load
from tests.generation import Generation, example

pytestmark = pytest.mark.kafka


@pytest.fixture
def search(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Raw records are mapped by a mapper that finds one acknowledgement in each, named by its payload."""
    for name, value in generation.environment.items():
        monkeypatch.setenv(name, value)
    return Search(Cluster(load(), generation.client), generation.topics, generation.group, _facts_of)


def _facts_of(raw: Raw, received_at: int) -> list[object]:
    name = raw.payload.decode().strip('"')
    if name.startswith("bad-"):
        return [ValueError(f"{name} cannot be mapped")]
    return [replace(ack(name), received_at=received_at)]


def state_of(correlation_id: str, *names: str, status: Status = Status.REJECTED) -> State:
    references = tuple(Reference(ReferenceKind.END_TO_END_ID, name) for name in names)
    template = example("payments.state.v1", State, "rejected-for-a-closed-account")
    return replace(template, correlation_id=correlation_id, references=references, status=status, invoices=())


def ack(name: str, event_id: str = "", kind: ReferenceKind = ReferenceKind.END_TO_END_ID) -> BankAck:
    template = example("payments.bank-acks.v1", BankAck)
    return replace(
        template,
        event_id=event_id or f"event-{name}",
        references=(Reference(kind, name),),
        correlation_id="",
        withdrawn=False,
    )


def carried(generation: Generation, fact: BankAck) -> CarriedFact:
    payload = generation.topics.bank_acks.encode(fact)
    return CarriedFact(fact.event_id, fact.received_at, CarriedType.BANK_ACK, payload, fact.references)


def put_row(generation: Generation, key: str, row: object) -> None:
    generation.publish_bytes(generation.topics.references_state.kafka_name, key.encode(), ROWS.encode(row))


def test_a_payment_is_found_by_its_correlation_id_as_it_is_now(
    generation: Generation, search: Search, prefix: str
) -> None:
    generation.publish(generation.topics.state, prefix, state_of(prefix, status=Status.SUBMITTED))
    generation.publish(generation.topics.state, prefix, state_of(prefix, status=Status.REJECTED))
    [found] = search.ask(prefix).payments
    assert (found.state.correlation_id, found.state.status) == (prefix, Status.REJECTED)


def test_a_removed_payment_is_not_found(generation: Generation, search: Search, prefix: str) -> None:
    generation.publish(generation.topics.state, prefix, state_of(prefix, f"{prefix}-e2e"))
    generation.publish(generation.topics.state, prefix, None)
    assert search.ask(prefix).empty
    assert search.ask(f"{prefix}-e2e").empty


def test_a_payment_is_found_by_any_reference_and_a_name_it_gave_up_leads_nowhere(
    generation: Generation, search: Search, prefix: str
) -> None:
    generation.publish(generation.topics.state, prefix, state_of(prefix, f"{prefix}/old", f"{prefix}/kept"))
    generation.publish(generation.topics.state, prefix, state_of(prefix, f"{prefix}/new", f"{prefix}/kept"))
    assert [found.state.correlation_id for found in search.ask(f"{prefix}/new").payments] == [prefix]
    assert [found.state.correlation_id for found in search.ask(f"{prefix}/kept").payments] == [prefix]
    assert search.ask(f"{prefix}/old").empty


def test_the_beginning_of_a_name_lists_all_that_it_fits_and_an_exact_name_only_its_own(
    generation: Generation, search: Search, prefix: str
) -> None:
    for number in ("1", "10", "11"):
        generation.publish(generation.topics.state, f"{prefix}-{number}", state_of(f"{prefix}-{number}"))
    listed = search.ask(f"{prefix}-").payments
    assert [found.state.correlation_id for found in listed] == [f"{prefix}-1", f"{prefix}-10", f"{prefix}-11"]
    assert {found.matched.fit for found in listed} == {Fit.PREFIX}
    assert [found.state.correlation_id for found in search.ask(f"{prefix}-1").payments] == [f"{prefix}-1"]


def test_a_payment_is_found_by_the_banks_own_name_for_what_it_said(
    generation: Generation, search: Search, prefix: str
) -> None:
    spoken = replace(ack("any"), correlation_id=prefix, bank_ref=f"{prefix}-REF", event_id=f"{prefix}-event")
    generation.publish(generation.topics.state, prefix, state_of(prefix))
    generation.publish(generation.topics.bank_acks, prefix, spoken)
    [found] = search.ask(f"{prefix}-REF").payments
    assert found.state.correlation_id == prefix
    assert found.matched.name.kind == "BANK_REF"


def test_a_story_has_every_step_in_order_open_alerts_only_and_both_payments_of_a_pair(
    generation: Generation, search: Search, prefix: str
) -> None:
    topics = generation.topics
    step = example("payments.transitions.v1", Transition)
    alert = example("payments.alerts.v1", Alert)
    pair = example("payments.duplicate-alerts.v1", DuplicateAlert)
    entry = example("payments.files.v1", FileEntry)
    file_hash = f"{prefix:0<64}"
    generation.publish(topics.state, prefix, state_of(prefix))
    generation.publish(topics.files, file_hash, replace(entry, file_hash=file_hash, name=f"{prefix}.xml"))
    for seq in (1, 2):
        proof = replace(step.evidence, file_hash=file_hash)
        generation.publish(topics.transitions, prefix, replace(step, correlation_id=prefix, seq=seq, evidence=proof))
    for alert_id, states in {"ended": (AlertState.OPEN, AlertState.WITHDRAWN), "open": (AlertState.OPEN,)}.items():
        for state in states:
            told = replace(alert, alert_id=f"{prefix}-{alert_id}", correlation_id=prefix, state=state)
            generation.publish(topics.alerts, prefix, told)
    twin = replace(pair, second=replace(pair.second, correlation_id=prefix))
    generation.publish(topics.duplicate_alerts, f"{prefix}-pair", twin)
    answer = search.ask(prefix)
    story = search.story(answer.payments[0])
    assert [row.seq for row in story.transitions] == [1, 2]
    assert [row.alert_id for row in story.alerts] == [f"{prefix}-open"]
    assert story.duplicates == (twin,)
    assert story.files[file_hash].name == f"{prefix}.xml"
    told_document = document(answer, {prefix: story})
    assert told_document["payments"][0]["transitions"][1]["seq"] == 2
    assert "internal" not in told_document["payments"][0]["state"]


def test_a_parked_fact_waits_for_its_release(generation: Generation, search: Search, prefix: str) -> None:
    fact = ack(prefix)
    put_row(generation, f"home:{fact.event_id}", HomeRow(carried(generation, fact), (), None, 0))
    answer = search.ask(prefix)
    assert answer.payments == ()
    assert [(row.fact, row.where) for row in answer.waiting] == [(fact, Whereabouts.RELEASE)]


def test_a_parked_fact_that_several_payments_may_own_says_so(
    generation: Generation, search: Search, prefix: str
) -> None:
    fact = ack(prefix)
    known = (Registration(fact.references[0].key, "P-1", 1), Registration(fact.references[0].key, "P-2", 1))
    put_row(generation, f"home:{fact.event_id}", HomeRow(carried(generation, fact), known, None, 0))
    assert [row.where for row in search.ask(prefix).waiting] == [Whereabouts.CHOICE]


def test_a_fact_that_found_its_payment_waits_no_more(generation: Generation, search: Search, prefix: str) -> None:
    fact = ack(prefix)
    home, known = HomeRow(carried(generation, fact)), (Registration(fact.references[0].key, "P-1", 1),)
    put_row(generation, f"home:{fact.event_id}", home)
    put_row(generation, f"home:{fact.event_id}", replace(home, known=known, payment="P-1", number=1))
    assert search.ask(prefix).waiting == ()


def test_a_fact_kept_at_a_shared_name_waits_only_while_no_payment_goes_by_it(
    generation: Generation, search: Search, prefix: str
) -> None:
    fact = ack(prefix, kind=ReferenceKind.MESSAGE_ID)
    name = fact.references[0].key
    put_row(generation, f"fact:{name}\x1f{fact.event_id}", KeptFact(carried(generation, fact)))
    assert [row.where for row in search.ask(prefix).waiting] == [Whereabouts.RELEASE]
    put_row(generation, f"member:{name}\x1fP-1", Member(1))
    assert search.ask(prefix).waiting == ()


def test_what_no_worker_has_read_yet_is_told_from_the_raw_record(
    generation: Generation, search: Search, prefix: str
) -> None:
    template = example("payments.raw.v1", Raw)
    generation.publish(generation.topics.raw, prefix, replace(template, payload=f'"{prefix}"'.encode()))
    generation.publish(generation.topics.raw, prefix, replace(template, payload=f'"bad-{prefix}"'.encode()))
    answer = search.ask(prefix)
    assert [row.where for row in answer.waiting] == [Whereabouts.WORKER]
    assert [row.problem for row in answer.unreadable] == [f"bad-{prefix} cannot be mapped"]
    assert answer.pipeline.behind >= 2
    assert answer.pipeline.advice is not None
    assert "paystate worker" in answer.pipeline.advice


def test_an_unknown_name_gets_the_nearest_ones(generation: Generation, search: Search, prefix: str) -> None:
    generation.publish(generation.topics.state, prefix, state_of(prefix, f"PAYROLL-{prefix}"))
    answer = search.ask(f"payroll-{prefix}")
    assert answer.empty
    assert answer.suggestions[0] == f"PAYROLL-{prefix}"
