"""Schema registries for tests: one in memory, and one that speaks the registry's REST protocol."""

from __future__ import annotations


class FakeIds:
    """A registry in memory: ids in the order of registration, from 101 on."""

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        self.subjects: list[str] = []

    def id_of(self, subject: str, schema: str) -> int:
        self.subjects.append(subject)
        for schema_id, known in self.schemas.items():
            if known == schema:
                return schema_id
        schema_id = 101 + len(self.schemas)
        self.schemas[schema_id] = schema
        return schema_id

    def schema_of(self, schema_id: int) -> str:
        return self.schemas[schema_id]
