"""Exactly-once Faust: one unit of work, one Kafka transaction, one store a partition.

An app declares inputs, tables and outputs; its agents fold batches:

    payments = app.Table("payments", changelog=topics.STATE)
    inputs = app.inputs(topics.APPROVALS, topics.RELEASES, tables=(payments,))
    app.outputs(topics.TRANSITIONS)

    @app.agent(inputs, name="lifecycle")
    async def lifecycle(batches):
        async for batch in batches:
            batch.each(join)  # join(record, payments, out)
"""

from __future__ import annotations

from streams.engine.app import App, run_worker
from streams.engine.batch import AGAIN, Again, Batch, DueHandler, Handler
from streams.engine.dead_letters import DeadLetterEncoder, DeadLetters, Failure
from streams.engine.due import DueIndex
from streams.engine.errors import BadRecord, ConfigurationError, InfrastructureError
from streams.engine.hashing import murmur2, partition_of
from streams.engine.hooks import FaultPoint, Hooks
from streams.engine.inputs import Inputs
from streams.engine.metrics import Metrics, NoMetrics
from streams.engine.outbox import Outbox
from streams.engine.record import Record
from streams.engine.settings import BreakerSettings, EngineSettings, GroupProtocol
from streams.engine.status import EngineState, EngineStatus, InputStatus, PartitionStatus
from streams.engine.table import Table, TableDeclaration
from streams.engine.topic import Topic

__all__ = [
    "AGAIN",
    "Again",
    "App",
    "BadRecord",
    "Batch",
    "BreakerSettings",
    "ConfigurationError",
    "DeadLetterEncoder",
    "DeadLetters",
    "DueHandler",
    "DueIndex",
    "EngineSettings",
    "EngineState",
    "EngineStatus",
    "Failure",
    "FaultPoint",
    "GroupProtocol",
    "Handler",
    "Hooks",
    "InfrastructureError",
    "InputStatus",
    "Inputs",
    "Metrics",
    "NoMetrics",
    "Outbox",
    "PartitionStatus",
    "Record",
    "Table",
    "TableDeclaration",
    "Topic",
    "murmur2",
    "partition_of",
    "run_worker",
]
