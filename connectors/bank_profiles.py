"""Bank profiles: YAML files of ours and of the user's, checked when they are loaded, every problem listed at once."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from connectors.contract import BankProfile
from connectors.csv_statements.layout import Layout
from connectors.iso20022.transaction_codes import Movement
from streams.domain.statuses import Status

OWN_FOLDER: Final = Path(__file__).parent / "profiles"
_LARGEST_BYTES: Final = 1 << 20


class ProfileError(RuntimeError):
    """Bank profiles that cannot be used; the message lists every problem of every file."""


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"{name!r} is no encoding that Python knows") from None


def _as_compared(number: str) -> str:
    return number.replace(" ", "").upper()


StatusCode = Annotated[str, Field(pattern=r"^((GROUP|BATCH|TRANSACTION):)?[A-Z0-9]{1,35}$")]
Account = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_as_compared)]

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Options(BaseModel):
    """What single connectors understand. ``movements``: what kind of movement a transaction code is at this bank,
    by the bank's own code (``Z24``), the ISO code (``PMNT/ICDT/CHRG``), the SWIFT type (``NCHG``), the type and the
    own code (``NMSC/835``) or BAI2's type code (``699``). ``customer_reference``: which of our names subfield 7 of an
    MT940's :61: or the customer reference of a BAI2 record 16 is. ``decimals``: digits of the minor unit in BAI2, where
    the bank does not write those of ISO 4217. ``file_header``: whether a NACHA file may lack records 1 and 9.
    ``csv``: how the bank writes CSV (connectors/csv_statements/MAPPING.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    movements: dict[str, Movement] = {}
    customer_reference: Literal["any", "none", "end_to_end_id", "instruction_id", "payment_info_id"] = "any"
    decimals: dict[Currency, Annotated[int, Field(ge=0, le=4)]] = {}
    file_header: Literal["required", "optional"] = "required"
    csv: Layout | None = None


class ProfileFile(BaseModel):
    """One YAML file: ``BankProfile`` as a person writes it. The file's name is the profile's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(min_length=1)
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = None
    footing: Literal["reject", "warn", "ignore"] = "reject"
    controls: Literal["reject", "warn", "ignore"] = "reject"
    statuses: dict[StatusCode, Status | None] = {}
    own_accounts: frozenset[Account] = frozenset()
    options: Options = Options()

    def profile(self, name: str) -> BankProfile:
        """The profile as connectors take it."""
        return BankProfile(
            name=name,
            encoding=self.encoding,
            footing=self.footing,
            controls=self.controls,
            statuses=dict(self.statuses) or None,
            own_accounts=self.own_accounts,
            options=self.options.model_dump(mode="json", exclude_defaults=True) or None,
        )


def load(folder: Path | None = None) -> dict[str, BankProfile]:
    """Our profiles and those of ``folder``, which win where both have a name. Raises ProfileError."""
    problems: list[str] = []
    profiles: dict[str, BankProfile] = {}
    for place in (OWN_FOLDER, folder):
        if place is None:
            continue
        if not place.is_dir():
            problems.append(f"{place}: no such folder (PAYSTATE_PROFILES_DIR names it)")
            continue
        for path in sorted(place.glob("*.y*ml")):
            profile = _read(path, problems)
            if profile is not None:
                profiles[path.stem] = profile
    if problems:
        raise ProfileError("bank profiles:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return profiles


def _read(path: Path, problems: list[str]) -> BankProfile | None:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            problems.append(f"{path}: expected at most {_LARGEST_BYTES} bytes, found {path.stat().st_size}")
            return None
        content = yaml.safe_load(path.read_bytes())
        return ProfileFile.model_validate(content).profile(path.stem)
    except ValidationError as error:
        problems.extend(f"{path}: {problem}" for problem in _problems(error))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        problems.append(f"{path}: expected YAML, found {' '.join(str(error).split())}")
    return None


def _problems(error: ValidationError) -> Iterator[str]:
    for item in error.errors():
        details: Mapping[str, Any] = item
        where = ".".join(str(part) for part in details["loc"]) or "the file"
        yield f"{where}: {details['msg']}, found {details.get('input')!r}"
