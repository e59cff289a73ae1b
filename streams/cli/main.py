"""The command ``paystate``. Each command is a module with ``register(app)``; only the one that is called is loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

#: Modules of this package, in the order in which --help lists their commands.
COMMANDS: Final = (
    "demo",
    "worker",
    "ingest",
    "watch",
    "parse",
    "show",
    "tail",
    "dlq",
    "files",
    "simulate",
    "verify",
    "replay",
    "doctor",
    "upgrade",
    "topics",
    "store",
    "schemas",
    "broker",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"paystate {version('paystate')}")
        raise typer.Exit


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application, with the command that ``arguments`` call, or with all of them (for --help)."""
    app = typer.Typer(help="The real-time state of every payment.", no_args_is_help=True, add_completion=False)

    @app.callback()
    def paystate(
        show_version: Annotated[
            bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
        ] = False,
    ) -> None:
        """The real-time state of every payment."""

    called = [name for name in arguments[:1] if name in COMMANDS]
    for name in called or COMMANDS:
        import_module(f"streams.cli.{name}").register(app)
    return app


def expected_errors() -> tuple[type[Exception], ...]:
    """Errors with a message for a person; any other one is a defect and shows its traceback.

    Imported when something has gone wrong: a command that works loads only what it needs.
    """
    from confluent_kafka import KafkaException

    from connectors.bank_profiles import ProfileError
    from connectors.intake.archive import NotArchivedError
    from connectors.intake.ingest import IngestError
    from connectors.intake.ledger import LedgerUnreadableError
    from connectors.intake.publish import PublishError
    from connectors.watch.lock import FolderError
    from connectors.watch.reading_rules import RulesError
    from connectors.watch.watcher import AwayError
    from schemas.apply import RefusedError
    from schemas.codec import CodecError
    from schemas.contracts import ContractError
    from schemas.registry import RegistryError
    from schemas.releases import ReleaseError
    from streams.broker.java import BrokerError
    from streams.cli.reach import UnreachableError
    from streams.dead_letters.letters import DeadLetterError
    from streams.engine.errors import ConfigurationError, LostInput, StoreError
    from streams.generations import GenerationError
    from streams.instances import NoInstanceError
    from streams.lookup.files import NoSuchFileError
    from streams.lookup.log import ReadError
    from streams.quiet import NotQuietError
    from streams.replay.points import PointError
    from streams.replay.reading import OtherTopologyError
    from streams.settings import SettingsError
    from streams.simulator.publish import RefusedFileError
    from streams.store_care import NoStoreError
    from streams.upgrade.finish import UpgradeRefusedError
    from streams.upgrade.gate import FinishingError, TooOldError
    from streams.upgrade.inputs import TooEarlyError
    from streams.verify.read import ReadError as VerifierReadError
    from streams.verify.stores import StoreUnreadableError

    return (
        AwayError,
        BrokerError,
        CodecError,
        ConfigurationError,
        ContractError,
        DeadLetterError,
        FinishingError,
        FolderError,
        GenerationError,
        IngestError,
        KafkaException,
        LedgerUnreadableError,
        LostInput,
        NoInstanceError,
        NoStoreError,
        NoSuchFileError,
        NotArchivedError,
        NotQuietError,
        OtherTopologyError,
        PointError,
        ProfileError,
        PublishError,
        ReadError,
        RefusedError,
        RefusedFileError,
        RegistryError,
        ReleaseError,
        RulesError,
        SettingsError,
        StoreError,
        StoreUnreadableError,
        TooEarlyError,
        TooOldError,
        UnreachableError,
        UpgradeRefusedError,
        VerifierReadError,
    )


def message_of(error: Exception) -> str:
    """What to tell a person: of a Kafka error its own words, and where to look for the cause."""
    from confluent_kafka import KafkaError, KafkaException

    if not isinstance(error, KafkaException) or not error.args or not isinstance(error.args[0], KafkaError):
        return str(error)
    cause = error.args[0]
    return f"Kafka says {cause.name()}: {cause.str()}. `paystate doctor` looks for the cause"


@contextmanager
def ending_clearly() -> Iterator[None]:
    """Around a command: an error that we expect becomes one clear message and exit status 1, Ctrl-C status 130.

    An error may have an exit status of its own: 78 says that starting the same again cannot help.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, expected_errors()):
            raise
        Console(stderr=True).print(f"[bold red]paystate:[/] {escape(message_of(error))}", highlight=False)
        sys.exit(getattr(error, "exit_status", 1))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with ending_clearly():
        build(given)(given, prog_name="paystate")
