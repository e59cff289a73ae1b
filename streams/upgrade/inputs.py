"""Whoever takes files in writes what workers read, but is no worker: it must not be ahead of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.codec import header_in
from streams.forms import FORMS, Form, Forms
from streams.upgrade.decisions import Decisions, form_in_force

#: What intake writes.
CONTRACTS: Final = ("payments.raw.v1", "payments.files.v1", "payments.alerts.v1")


class TooEarlyError(RuntimeError):
    """This release writes inputs that workers of the release before could not read, while these may come back."""


def check_inputs(client: Mapping[str, Any], generation: int, forms: Forms = FORMS) -> None:
    """Raises TooEarlyError. Kafka is asked only if the schemas of the inputs differ between the known forms."""
    own = _schemas(forms, forms.newest)
    if all(_schemas(forms, form) == own for form in forms.known):
        return
    decision = Decisions(client, generation).now()
    if decision is None or not forms.reads(form_in_force(decision)):
        return  # nobody works here yet; or a later release does, which reads what we write
    number = form_in_force(decision)
    if _schemas(forms, forms.of(number)) != own:
        raise TooEarlyError(
            f"workers write form {number} until their upgrade is finished, and what paystate {forms.release} takes in "
            f"is of form {forms.newest.number}: upgrade the workers, `paystate upgrade finish`, and take files in with "
            "the release before until then"
        )


def _schemas(forms: Forms, form: Form) -> list[bytes | None]:
    schemas = [forms.schema(contract, form) for contract in CONTRACTS]
    return [None if schema is None else header_in(schema) for schema in schemas]
