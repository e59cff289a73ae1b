"""A Confluent-compatible schema registry, where SCHEMA_REGISTRY_URL names one. Extra: ``paystate[registry]``.

An unreachable or refusing registry is a RegistryError, an OSError: the record at hand is not at fault, so it is not a
dead letter; the process stops and is started again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from schemas.codec import SchemaIds
from schemas.contract_files import Released
from schemas.contracts import contract

T = TypeVar("T")

_TIMEOUT_S: Final = 10.0
_RETRIES: Final = 2
_RETRY_WAIT_MS: Final = 200
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_UNAUTHORISED: Final = frozenset({401, 403})
_SUFFIX: Final = "-value"


class RegistryError(OSError):
    """The registry cannot be reached, or does not let us do what we must; the message says which and what to do."""


def registry_of(url: str | None) -> Registry | None:
    """The registry at ``url``; None without one."""
    return Registry(url) if url else None


class Registry(SchemaIds):
    """Ids of schemas and schemas of ids, each asked for once. May be used by several threads.

    A new schema is registered under its contract's compatibility. One that is registered already is only looked up, so
    that a worker needs no right to write.
    """

    def __init__(self, url: str) -> None:
        self._shown = _without_credentials(url)
        self._client, self._schema, self._refusal = _library(url)
        self._ids: dict[tuple[str, str], int] = {}
        self._schemas: dict[int, str] = {}
        self._lock = threading.Lock()

    def id_of(self, subject: str, schema: str) -> int:
        """The id under which the schema is registered, registering it if it is new. Raises RegistryError."""
        with self._lock:
            known = self._ids.get((subject, schema))
            if known is None:
                known = self._ids[subject, schema] = self._looked_up(subject, schema) or self._register(subject, schema)
            return known

    def schema_of(self, schema_id: int) -> str:
        """The schema of an id. Raises KeyError if there is none, RegistryError if that cannot be known."""
        with self._lock:
            known = self._schemas.get(schema_id)
            if known is None:
                found = self._asked(f"schema id {schema_id}", lambda: self._client.get_schema(schema_id).schema_str)
                if found is None:
                    raise KeyError(schema_id)
                known = self._schemas[schema_id] = found
            return known

    def released(self, contract_name: str) -> list[Released]:
        """Every version that the registry has of a topic's schema, oldest first. Raises RegistryError."""
        subject = contract_name + _SUFFIX
        numbers = self._asked(subject, lambda: self._client.get_versions(subject)) or []
        return [self._version(contract_name, subject, number) for number in sorted(numbers)]

    def _version(self, contract_name: str, subject: str, number: int) -> Released:
        registered = self._asked(subject, lambda: self._client.get_version(subject, number))
        if registered is None:
            raise RegistryError(f"schema registry {self._shown}: version {number} of {subject} went away; try again")
        return Released(contract_name, f"registry version {number}", json.loads(registered.schema.schema_str))

    def _looked_up(self, subject: str, schema: str) -> int | None:
        found = self._asked(subject, lambda: self._client.lookup_schema(subject, self._schema(schema, "AVRO")))
        return None if found is None else int(found.schema_id)

    def _register(self, subject: str, schema: str) -> int:
        """The compatibility is set before a version that must keep it; after the first, which makes the subject."""
        level = contract(subject.removesuffix(_SUFFIX)).compatibility
        is_new = self._asked(subject, lambda: self._client.get_versions(subject)) is None
        if not is_new:
            self._told(subject, lambda: self._client.set_compatibility(subject, level))
        found = self._told(subject, lambda: self._client.register_schema(subject, self._schema(schema, "AVRO")))
        if is_new:
            self._told(subject, lambda: self._client.set_compatibility(subject, level))
        return int(found)

    def _asked(self, what: str, ask: Callable[[], T]) -> T | None:
        """What the registry answers; None: it does not know it."""
        try:
            return self._told(what, ask)
        except _UnknownError:
            return None

    def _told(self, what: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except self._refusal as error:
            status: int = error.http_status_code  # type: ignore[attr-defined]  # the library is optional
            if status == _NOT_FOUND:
                raise _UnknownError(f"schema registry {self._shown}: {what}: {error}") from error
            raise RegistryError(f"schema registry {self._shown}: {what}: {error}; {_advice(status)}") from error
        except Exception as error:
            raise RegistryError(
                f"schema registry {self._shown}: no answer about {what} ({type(error).__name__}: {error}); "
                "check SCHEMA_REGISTRY_URL and that the registry runs"
            ) from error


class _UnknownError(RegistryError):
    """The registry has no such subject, version or id."""


def _advice(status: int) -> str:
    if status in _UNAUTHORISED:
        return "give SCHEMA_REGISTRY_URL credentials that may read, or register the schemas beforehand"
    if status == _CONFLICT:
        return "the schema breaks an earlier version: see `paystate schemas check`"
    return "see the registry's log"


def _library(url: str) -> tuple[Any, Any, type[Exception]]:
    """The client, its class of schemas, and its error."""
    try:
        from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
    except ImportError as error:
        raise RegistryError(
            f"SCHEMA_REGISTRY_URL is set, but the registry's client is not installed ({error}): "
            "pip install 'paystate[registry]'"
        ) from error
    options = {
        "url": url,
        "timeout": _TIMEOUT_S,
        "max.retries": _RETRIES,
        "retries.wait.ms": _RETRY_WAIT_MS,
    }
    try:
        return SchemaRegistryClient(options), Schema, SchemaRegistryError
    except ValueError as error:
        raise RegistryError(f"SCHEMA_REGISTRY_URL {_without_credentials(url)!r}: {error}") from error


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
