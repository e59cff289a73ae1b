"""The connectors and bank profiles of this installation: what intake, the normalise agent and the CLI ask for."""

from __future__ import annotations

from pathlib import Path

from connectors.bank_profiles import load
from connectors.contract import BankProfile, Connector, Refusal
from connectors.detect import detect
from connectors.registry import connector_of, formats

AUTO = "auto"


class InstalledFormats:
    """Implements connectors.intake.reading.Formats. Profiles are read once, when it is made; raises ProfileError."""

    def __init__(self, profiles_dir: Path | None = None) -> None:
        self._profiles = load(profiles_dir)

    def connector(self, format_: str, head: bytes) -> Connector | Refusal:
        """The connector of that name, or with "auto" the one that knows the first bytes of the file."""
        if format_ == AUTO:
            return detect(head)
        named = connector_of(format_)
        if named is not None:
            return named
        return Refusal("unknown_format", "--format", f"{AUTO} or one of {', '.join(formats())}", repr(format_))

    def connector_named(self, format_: str) -> Connector | None:
        """The connector that a raw record names; None if this installation has none of that name."""
        return connector_of(format_)

    def profile(self, name: str) -> BankProfile | Refusal:
        """The bank profile of that name."""
        found = self._profiles.get(name)
        if found is not None:
            return found
        return Refusal("unknown_profile", "--profile", f"one of {', '.join(sorted(self._profiles))}", repr(name))

    def profiles(self) -> tuple[str, ...]:
        """The names of all profiles, sorted."""
        return tuple(sorted(self._profiles))
