"""What the embedded broker is told: one KRaft node, loopback only, everything replicated once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FIXED: Final[dict[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "default.replication.factor": "1",
    "group.initial.rebalance.delay.ms": "0",
    # A worker that died is replaced after this time; the default of 45 s would be the recovery time of the demo.
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.heartbeat.interval.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.min.session.timeout.ms": "2000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "auto.create.topics.enable": "false",
    # Room for a dead letter, whose envelope is larger than its record.
    "message.max.bytes": "2097152",
    "replica.fetch.max.bytes": "2097152",
    "log.retention.check.interval.ms": "300000",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

_LOG4J: Final = """\
Configuration:
  Appenders:
    RollingFile:
      name: file
      fileName: {log}
      filePattern: {log}.%i
      PatternLayout: {{ pattern: "[%d] %p %m (%c)%n" }}
      Policies: {{ SizeBasedTriggeringPolicy: {{ size: 10MB }} }}
      DefaultRolloverStrategy: {{ max: 2 }}
  Loggers:
    Root: {{ level: WARN, AppenderRef: {{ ref: file }} }}
    Logger:
      - {{ name: kafka.server.KafkaRaftServer, level: INFO }}
"""


def write_configuration(
    folder: Path, port: int, controller_port: int, settings: Mapping[str, str]
) -> tuple[Path, Path]:
    """Write server.properties (with ``settings`` over ours) and log4j2.yaml into ``folder``; returns their paths."""
    addresses = {
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(folder / "data"),
    }
    properties = folder / "server.properties"
    told = {**_FIXED, **addresses, **settings}
    properties.write_text("".join(f"{key}={value}\n" for key, value in told.items()), encoding="utf-8")
    logging = folder / "log4j2.yaml"
    logging.write_text(_LOG4J.format(log=folder / "broker.log"), encoding="utf-8")
    return properties, logging
