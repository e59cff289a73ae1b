"""The pipeline on one screen: topics in, agents, tables, topics out. The only place where they are wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from connectors.formats import InstalledFormats
from schemas.names import generation_suffix
from schemas.records import ClockTick, DeadLetter, Header
from schemas.registry import registry_of
from streams.agents import correlate, duplicates, normalise
from streams.agents.accounts import Accounts
from streams.agents.copies import copying
from streams.agents.lifecycle import lifecycle, overdue
from streams.agents.payment_rows import PaymentRows
from streams.domain.facts import ApprovalScope
from streams.domain.payment import Context
from streams.domain.policy import Policy, ReconciliationMode
from streams.engine import (
    App,
    Batch,
    BreakerSettings,
    DeadLetters,
    DueHandler,
    DueIndex,
    EngineSettings,
    Failure,
    GroupProtocol,
    Handler,
    Metrics,
    NoMetrics,
    Topic,
)
from streams.engine.hooks import Hooks, everybody, no_hooks
from streams.engine.settings import MIB
from streams.forms import FORMS, Forms, Writing
from streams.settings import Settings
from streams.topics import Topics, arrivals_of, marked, topics_of
from streams.upgrade.members import stated

Client = Mapping[str, str | int | float | bool]


def build(
    settings: Settings,
    client: Client,
    instance: str,
    *,
    agents: Collection[str] = ("normalise", "correlate", "lifecycle", "duplicates"),
    metrics: Metrics | None = None,
    hooks: Hooks = no_hooks,
    writing: Writing | None = None,
    admit: Callable[[], None] = everybody,
    replayed_until: int = 0,
) -> App:
    """The app of one worker. ``client``: the librdkafka configuration of the cluster; ``instance``: its stable name.

    ``writing``: the form that it writes, default: this release's own. ``admit`` is asked before a partition is taken.
    ``replayed_until``: what was received by then (microseconds UTC) is replayed in this generation.
    """
    writing = writing or Writing(FORMS)
    topics = marked(topics_of(settings.generation, registry_of(settings.registry_url), writing), replayed_until)
    app = App(
        "paystate",
        settings=engine_settings(settings, client, instance, writing.forms),
        dead_letters=DeadLetters(topics.dead_letters.kafka_name, dead_letter_encoder(topics)),
        metrics=metrics or NoMetrics(),
        hooks=hooks,
        admit=admit,
        web_enabled=False,
    )
    for name in agents:
        _AGENTS[name](app, topics, settings, writing)
    if set(agents) == _AGENTS.keys():  # proved time is of the whole pipeline
        app.clock(topics.clock, lambda at_us: ClockTick(at_us, instance), stages_of(topics))
    return app


def _normalise(app: App, topics: Topics, settings: Settings, writing: Writing) -> None:
    """raw -> facts by correlation id; names and lookups of the others."""
    rows = normalise.ROWS.writing(writing)
    seen = app.Table("files-seen", changelog=topics.files_seen, encode=rows.encode, decode=rows.decode)
    handler = normalise.normalise(topics, normaliser_of(settings), settings.generation)
    # Shared topics keep the number of partitions that they have, whatever a later generation takes for its own.
    arrivals = app.inputs(*arrivals_of(topics), tables=(seen,), apart=settings.generation > 1)
    app.agent(arrivals, name="normalise")(folding(copying(topics, handler)))
    app.outputs(
        topics.approvals,
        topics.releases,
        topics.bank_acks,
        topics.reconciliations,
        topics.commands,
        topics.references,
        topics.statement_entries,
        topics.alerts,
    )


def _correlate(app: App, topics: Topics, settings: Settings, writing: Writing) -> None:
    """references -> approvals and acknowledgements that have found their payment."""
    rows = correlate.ROWS.writing(writing)
    due = DueIndex(of_value=rows.due_of_value, of_row=rows.due_of_row)
    changelog = topics.references_state
    references = app.Table("references", changelog=changelog, encode=rows.encode, decode=rows.decode, due=due)
    handler = correlate.correlate(topics, settings.generation, settings.policy.orphan_grace_s * 1_000_000)
    names = app.inputs(topics.references, topics.clock, tables=(references,))
    app.agent(names, name="correlate")(folding(handler, correlate.on_tick(topics, settings.generation)))
    app.outputs(topics.references, topics.approvals, topics.bank_acks, topics.alerts)


def _lifecycle(app: App, topics: Topics, settings: Settings, writing: Writing) -> None:
    """Everything that is said about a payment -> its state, transitions, alerts and appearances."""
    policy = policy_of(settings)
    rows = PaymentRows(topics.state, Context(policy, settings.generation), writing)
    due = DueIndex(of_value=rows.due_of_value, of_row=rows.due_of_row)
    payments = app.Table("payments", changelog=topics.state, encode=rows.encode, decode=rows.decode, due=due)
    facts = app.inputs(
        topics.approvals,
        topics.releases,
        topics.bank_acks,
        topics.reconciliations,
        topics.commands,
        topics.verdicts,
        topics.clock,
        tables=(payments,),
    )
    handler = lifecycle(topics, policy, settings.generation, writing=writing)
    is_due = overdue(topics, policy, settings.generation, writing=writing)
    app.agent(facts, name="lifecycle")(folding(handler, is_due))
    app.outputs(topics.transitions, topics.alerts, topics.fingerprints, topics.dead_letters)


def _duplicates(app: App, topics: Topics, settings: Settings, writing: Writing) -> None:
    """Appearances and people's verdicts -> duplicate alerts, verdicts for both payments."""
    rows = duplicates.ROWS.writing(writing)
    members = app.Table("duplicates", changelog=topics.duplicates_state, encode=rows.encode, decode=rows.decode)
    handler = duplicates.duplicates(topics, settings.generation)
    app.agent(app.inputs(topics.fingerprints, tables=(members,)), name="duplicates")(folding(handler))
    app.outputs(topics.fingerprints, topics.duplicate_alerts, topics.verdicts, topics.alerts)


_AGENTS: Final = {
    "normalise": _normalise,
    "correlate": _correlate,
    "lifecycle": _lifecycle,
    "duplicates": _duplicates,
}


def folding(handler: Handler, due: DueHandler | None = None) -> Callable[[AsyncIterator[Batch]], Awaitable[None]]:
    """The body of an agent: every batch of one partition, each record, and each row that is due, within a savepoint."""

    async def fold(batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            batch.each(handler, due)

    return fold


def stages_of(topics: Topics) -> tuple[tuple[Topic[Any], ...], ...]:
    """What time has to pass before it is proved: a fact may go round in `references` three times (lookup; park and
    subscribe; answer) before it reaches its payment. What a later generation copies comes before its copy.
    """
    raw, *copied = arrivals_of(topics)
    facts = (topics.approvals, topics.releases, topics.bank_acks, topics.reconciliations, topics.commands)
    return (
        (raw,),
        (topics.references, *copied),
        (topics.references,),
        (topics.references,),
        (*facts, topics.verdicts),
    )


def normaliser_of(settings: Settings) -> normalise.Normaliser:
    """The mapping from raw records to facts, as these settings have it."""
    return normalise.Normaliser(
        InstalledFormats(settings.profiles_dir), Accounts(settings.hash_key()), settings.policy.min_reference_length
    )


def policy_of(settings: Settings) -> Policy:
    """The lifecycle's policy, as these settings have it."""
    policy = settings.policy
    return Policy(
        required_scopes=frozenset(ApprovalScope(scope) for scope in policy.required_scopes),
        reconciliation=ReconciliationMode(policy.reconciliation),
        tolerance_minor=policy.amount_tolerance_minor,
        acknowledgement_within_s=policy.acknowledgement_within_s,
        acknowledgement_within_s_by_bank=policy.acknowledgement_within_s_by_bank,
    )


def group_of(settings: Settings) -> str:
    """The consumer group of this generation."""
    return settings.group + generation_suffix(settings.generation)


def engine_settings(settings: Settings, client: Client, instance: str, forms: Forms = FORMS) -> EngineSettings:
    """What the engine is told. The transactional id is the instance's; a restart frees its dead transaction."""
    engine, group = settings.engine, group_of(settings)
    return EngineSettings(
        client=client,
        client_id=stated(instance, forms),
        group_id=group,
        transactional_id=f"{group}-{instance}",
        data_dir=settings.store_dir,
        partitions=settings.partitions,
        group_protocol=GroupProtocol(settings.kafka.group_protocol),
        unit_interval_ms=engine.unit_interval_ms,
        unit_max_records=engine.unit_max_records,
        unit_beside_ms=engine.unit_beside_ms,
        unit_bytes=engine.unit_mib * MIB,
        max_poll_interval_ms=engine.max_poll_interval_ms,
        transaction_timeout_ms=engine.transaction_timeout_ms,
        clock_interval_ms=engine.clock_interval_ms,
        clock_allowance_ms=engine.clock_allowance_ms,
        breaker=BreakerSettings(share=engine.breaker_percent / 100),
    )


def dead_letter_encoder(topics: Topics) -> Callable[[Failure], bytes]:
    """Writes what the engine knows of a failure as a record of payments.dead-letters.v1."""

    def encode(failure: Failure) -> bytes:
        fields = {name: getattr(failure, name) for name in Failure.__dataclass_fields__ if name != "headers"}
        headers = tuple(Header(name, value) for name, value in failure.headers)
        return topics.dead_letters.encode(DeadLetter(**fields, headers=headers))

    return encode
