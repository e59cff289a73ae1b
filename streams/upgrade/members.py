"""Which release each worker of the group is, as the group itself knows it for as long as the worker is in it.

A worker says it in its client id: no record could be so exactly as durable as the membership is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka.admin import AdminClient

from streams.forms import Forms

_STATED: Final = re.compile(r"paystate/(?P<release>[^/]+)/form-(?P<form>\d{1,9})/(?P<instance>.+)")
#: One question: a client that asked while the group's coordinator was being made waits the whole time; asked again, the
#: next one is answered at once.
_QUESTION_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Member:
    """One worker: the newest form that it reads, with all before. ``reads`` 0: it does not say, so it is not ours."""

    instance: str
    release: str
    reads: int
    host: str

    def __str__(self) -> str:
        what = f"paystate {self.release}, reads up to form {self.reads}" if self.reads else "says no release"
        return f"{self.instance} on {self.host} ({what})"


def stated(instance: str, forms: Forms) -> str:
    """The client id of a worker."""
    return f"paystate/{forms.release}/form-{forms.newest.number}/{instance}"


def instance_of(client_id: str) -> str:
    """The worker's name; of a member that is none of ours what it calls itself."""
    said = _STATED.fullmatch(client_id)
    return client_id if said is None else said["instance"]


def members_of(client: Mapping[str, Any], group: str) -> tuple[Member, ...]:
    """All members of the group, dead ones until their session ends. Raises KafkaException."""
    admin = AdminClient({**client, "log_level": 3})
    described = admin.describe_consumer_groups([group], request_timeout=_QUESTION_S)[group].result(2 * _QUESTION_S)
    found = [_member(row.client_id, row.host.lstrip("/")) for row in described.members]
    return tuple(sorted(found, key=lambda member: member.instance))


def _member(client_id: str, host: str) -> Member:
    said = _STATED.fullmatch(client_id)
    if said is None:
        return Member(client_id, "", 0, host)
    return Member(said["instance"], said["release"], int(said["form"]), host)
