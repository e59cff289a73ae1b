"""The company's documents and the published files belong together, and say what is claimed of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.documents import ApprovalDocument, ReleaseDocument
from streams.agents.names import payment_by_document
from streams.demo.company import Company, company, documents, samples, samples_folder


@pytest.fixture
def known() -> Company:
    return company()


def said() -> list[dict[str, Any]]:
    return [json.loads(line) for path in documents() for line in path.read_text(encoding="utf-8").splitlines()]


def releases_of(payment: str) -> Iterator[dict[str, Any]]:
    for document in said():
        if "stage" in document and payment_of(document) == payment:
            yield document


def payment_of(document: dict[str, Any]) -> str:
    number = document.get("references", {}).get("document_number", "")
    return document.get("correlation_id") or payment_by_document("SAP", document.get("company_code"), number)


def test_every_name_stands_in_the_file_that_it_is_claimed_of(known: Company) -> None:
    for payment, claim in known.from_files.items():
        text = (samples_folder() / claim.file).read_text(encoding="utf-8")
        missing = [name for name in claim.names if f">{name}<" not in text]
        assert not missing, f"{payment}: {claim.file}"


def test_the_company_calls_its_payments_by_the_names_that_the_files_use(known: Company) -> None:
    for payment, claim in known.from_files.items():
        if claim.file.startswith("pain001/"):
            continue  # that file is itself what was handed to the bank
        names = {name for release in releases_of(payment) for name in release["references"].values()}
        assert names.issuperset(claim.names), payment


def test_every_payment_is_released_and_approved_and_none_is_without_an_expected_end(known: Company) -> None:
    released = {payment_of(document) for document in said() if "stage" in document}
    assert released == known.truth.payments.keys()
    invoices = {document["invoices"][0]["number"] for document in said() if "decision" in document}
    assert {document["invoices"][0]["number"] for document in said() if "stage" in document} == invoices


def test_the_payment_of_five_names_has_five_and_nobody_gave_it_an_id(known: Company) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in documents())
    text += (samples_folder() / known.from_files[known.five_names_of].file).read_text(encoding="utf-8")
    assert len({name.kind for name in known.five_names}) == 5
    assert all(name.value in text for name in known.five_names)
    assert known.five_names_of not in text


def test_the_duplicate_is_one_invoice_typed_twice(known: Company) -> None:
    (pair,) = known.truth.duplicates
    numbers = [document["invoices"][0]["number"] for payment in pair for document in releases_of(payment)]
    assert len(set(numbers)) == 2
    assert len({number.lower().replace("-", " ") for number in numbers}) == 1


def test_every_sample_file_of_the_three_kinds_is_taken_in_and_refused_ones_are_among_them(known: Company) -> None:
    taken = {f"{folder}/{path.name}" for folder, paths in samples().items() for path in paths}
    assert taken >= known.refused_files
    assert taken >= {claim.file for claim in known.from_files.values()}


def test_documents_are_canonical() -> None:
    fields = set(ApprovalDocument.__struct_fields__) | set(ReleaseDocument.__struct_fields__) | {"level", "status"}
    assert all(fields.issuperset(document) for document in said())
