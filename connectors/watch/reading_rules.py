"""How the files of each sub-folder are read: a table in YAML, written by who runs the watch, not by who drops files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from connectors.contract import Refusal
from connectors.formats import AUTO
from connectors.intake.reading import Formats, Request

_LARGEST_BYTES: Final = 1 << 20


class RulesError(RuntimeError):
    """Rules that cannot be used; the message lists every problem."""


def _sub_folder(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError("expected a folder below the drop folder, such as citi or citi/mt940")
    return str(path)


class _Rule(BaseModel):
    """What is said of one sub-folder; the rest is as for the folder above it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str | None = None
    profile: str | None = None
    source: str | None = None
    bank: str | None = None


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: dict[Annotated[str, AfterValidator(_sub_folder)], _Rule]


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """``default`` for the drop folder; each sub-folder changes what it names, the deeper one after the upper."""

    default: Request
    folders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def request_for(self, path: PurePosixPath) -> Request:
        """How to read the file at ``path``, which is relative to the drop folder."""
        request = self.default
        for folder in reversed(path.parents):
            request = replace(request, **self.folders.get(str(folder), {}))
        return request

    def check(self, formats: Formats) -> None:
        """Raises RulesError: formats and profiles that are not installed would refuse every file."""
        requests = {"the drop folder": self.default}
        requests |= {name: self.request_for(PurePosixPath(name, "file")) for name in self.folders}
        problems = [
            f"{name}: {problem}" for name, request in requests.items() for problem in _problems(request, formats)
        ]
        if problems:
            raise RulesError(_listed(problems))


def rules_from(path: Path, default: Request) -> ReadingRules:
    """The rules of a YAML file: ``folders: {NAME: {profile: …, format: …, bank: …, source: …}}``. Raises RulesError."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise RulesError(f"{path}: expected at most {_LARGEST_BYTES} bytes, found {path.stat().st_size}")
        said = _Rules.model_validate(yaml.safe_load(path.read_bytes()))
    except ValidationError as error:
        raise RulesError(_listed([f"{path}: {problem}" for problem in _told(error)])) from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise RulesError(f"{path}: expected YAML, found {' '.join(str(error).split())}") from error
    return ReadingRules(default, {name: rule.model_dump(exclude_none=True) for name, rule in said.folders.items()})


def _problems(request: Request, formats: Formats) -> list[str]:
    answers: list[object] = [formats.profile(request.profile)]
    if request.format != AUTO:
        answers.append(formats.connector(request.format, b""))
    return [answer.detail for answer in answers if isinstance(answer, Refusal)]


def _told(error: ValidationError) -> Iterator[str]:
    for row in error.errors():
        yield f"{_where(row['loc'])}: {row['msg']}, found {row['input']!r}"


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


def _listed(problems: list[str]) -> str:
    return "reading rules:\n" + "\n".join(f"  - {problem}" for problem in problems)
