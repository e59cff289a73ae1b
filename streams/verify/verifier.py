"""The whole verification, step by step, over a log that stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.records import ClockTick, StatementEntry
from streams.domain.fingerprints import DuplicateAlert
from streams.domain.policy import Policy
from streams.domain.state import Alert, State, Transition
from streams.verify import inputs as arrived
from streams.verify.absences import LATE, UNPLACED, compare, unplaced_of
from streams.verify.alerts import Alerts, Pairs
from streams.verify.contracts import (
    ALERTS,
    CLOCK,
    COMMANDS,
    DEAD_LETTERS,
    DUPLICATE_ALERTS,
    PAYMENTS_TABLE,
    RAW,
    STATE,
    STATEMENT_ENTRIES,
    TABLES,
    TRANSITIONS,
    VERDICTS,
    Codecs,
)
from streams.verify.dead_letters import DeadLetters
from streams.verify.due import due_of_payment
from streams.verify.payments import KeptOf, Payments, Published
from streams.verify.proved import Proved
from streams.verify.read import Log
from streams.verify.report import Report
from streams.verify.stores import Changelog, Store
from streams.verify.transitions import Chains


@dataclass(frozen=True, slots=True)
class Rules:
    """What the pipeline is said to run with: the mapping of raw records, the form of its rows, the policy in force.

    ``orphan_grace_s``: how long a bank's word may be without a payment, 0: for ever. ``taken``: below which offset of
    each of the clock's partitions workers had taken all before the log's ends were asked for; None: they have it whole.
    """

    mapping: arrived.Mapping
    kept_of: KeptOf
    policy: Policy
    codecs: Codecs
    orphan_grace_s: int = 0
    taken: Mapping[int, int] | None = None


def verify(log: Log, rules: Rules, stores: Sequence[Store], report: Report) -> Report:
    """Fill the report. Raises ReadError, KafkaException: the log cannot be read. CodecError: it is foreign."""
    codecs = rules.codecs
    # 1. What was kept for a person, then what came in: every record mapped once more.
    dead = DeadLetters(codecs)
    dead.read(log.rows(DEAD_LETTERS), report)
    inputs = arrived.Inputs(codecs, rules.mapping, dead)
    inputs.read_raw(log.rows(RAW), report)
    inputs.read_commands(log.rows(COMMANDS), report)
    inputs.read_verdicts(log.rows(VERDICTS), report)
    # 2. Only with every release known: whom each fact belongs to.
    inputs.deliver()
    clock = Proved(rules.taken)
    clock.read(log.rows(CLOCK), codecs.of(CLOCK, ClockTick).decode)
    report.proved_at = max(0, clock.of(None).surely)
    # 3. The tables' changelogs, the published states among them, against the stores on the way.
    for table, contract in TABLES.items():
        _changelog(log, contract, table, stores, report)
    states = _changelog(log, STATE, PAYMENTS_TABLE, stores, report)
    # 4. Each payment in one shot from its facts and the clock, against its state.
    payments = Payments(inputs, rules.kept_of, rules.policy)
    _check_payments(payments, states, clock, rules, report)
    # 5. The chains of steps, and where they end.
    chains = Chains()
    chains.read(log.rows(TRANSITIONS), codecs.of(TRANSITIONS, Transition), report)
    chains.compare(payments.stands, report)
    # 6. Alerts, and every pair of payments that pays the same thing.
    alerts = Alerts()
    alerts.read(log.rows(ALERTS), codecs.of(ALERTS, Alert), report)
    pairs = Pairs()
    pairs.read(log.rows(DUPLICATE_ALERTS), codecs.of(DUPLICATE_ALERTS, DuplicateAlert), report)
    pairs.compare(payments.stands, payments.fingerprints, report)
    # 7. What the clock has passed, and nobody heard of: told once, and nothing else.
    report.late = compare(payments.absences, alerts.absences, LATE, report)
    unplaced = unplaced_of(inputs, rules.orphan_grace_s, clock.of(None))
    report.orphans = compare(unplaced, alerts.absences, UNPLACED, report)
    # 8. Only now: what became of every record that came in.
    inputs.settle(alerts.causes, _entries(log, codecs), report)
    return report


def compare_stores(log: Log, stores: Sequence[Store], report: Report) -> None:
    """Only the stores: every table of each against its changelog. Raises as `verify` does."""
    for table, contract in {**TABLES, PAYMENTS_TABLE: STATE}.items():
        _changelog(log, contract, table, stores, report)


def _check_payments(payments: Payments, states: Changelog, clock: Proved, rules: Rules, report: Report) -> None:
    """Those that facts tell of, then those that only a state tells of."""
    codec, newest, told = rules.codecs.of(STATE, State), states.latest, payments.inputs.by_payment
    strangers = [key.decode() for key in newest if key.decode() not in told]
    for correlation_id in [*told, *strangers]:
        key = correlation_id.encode()
        data, passed = newest.pop(key, None), clock.of(states.partition_of(key))
        published = None if data is None else Published(codec.decode(data), due_of_payment(data), passed)
        payments.check(correlation_id, published, report)


def _changelog(log: Log, contract: str, table: str, stores: Sequence[Store], report: Report) -> Changelog:
    """Read to its end."""
    changelog = Changelog(log.topic_name(contract), log.topic_id(contract), table, report)
    changelog.expect(stores)
    changelog.read(log.rows(contract))
    return changelog


def _entries(log: Log, codecs: Codecs) -> set[str]:
    codec = codecs.of(STATEMENT_ENTRIES, StatementEntry)
    return {codec.decode(row.value).entry_id for row in log.rows(STATEMENT_ENTRIES) if row.value is not None}
