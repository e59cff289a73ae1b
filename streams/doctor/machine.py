"""Checks of this machine: Java and Kafka's jars, folders, disk, archive, the key that hashes accounts."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import fsspec

from connectors.bank_profiles import ProfileError
from connectors.formats import InstalledFormats
from streams.broker.jars import KAFKA_VERSION, jars_at_hand
from streams.broker.java import BrokerError, find_java
from streams.doctor.finding import Finding, Level, fail, ok, warn
from streams.settings import PREFIX, Settings, SettingsError

_MIB: Final = 1 << 20
_LITTLE_BYTES: Final = 5 << 30
_TOO_LITTLE_BYTES: Final = 500 * _MIB
_PROBE_BYTES: Final = 4096


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """Every check that needs no broker."""
    if settings.embedded:
        yield java(settings)
        yield jars()
    yield data_folder(settings.data_dir)
    yield free_disk(settings.data_dir)
    yield store_folder(settings.store_dir, settings.data_dir)
    yield archive(settings.archive)
    yield account_key(settings)
    yield profiles(settings.profiles_dir)


def java(settings: Settings) -> Finding:
    """The Java that the embedded broker runs on."""
    try:
        return ok("java", str(find_java(settings.broker.java)))
    except BrokerError as error:
        return fail("java", "none for the embedded broker", str(error))


def jars() -> Finding:
    """Kafka's jars, fetched at the first start."""
    if jars_at_hand():
        return ok("jars", f"Kafka {KAFKA_VERSION} is at hand")
    if find_spec("jgo") is None:
        return fail("jars", "Kafka's jars are not here and cannot be fetched", "pip install 'paystate[broker]'")
    return warn("jars", "not fetched yet", "the first start fetches about 45 MB: `paystate broker start` while online")


def data_folder(folder: Path) -> Finding:
    """Where stores, archive and the embedded broker live."""
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = f"make it writable for this user, or set {PREFIX}DATA_DIR to another folder"
        return fail("data folder", f"{existing}: {error.strerror}", advice)
    return ok("data folder", f"{folder.absolute()} is writable" + ("" if existing == folder else " (not made yet)"))


def free_disk(folder: Path) -> Finding:
    """Room below the data folder: a broker that runs out of it stops."""
    return _room("disk", _existing(folder), "", f"free some, or set {PREFIX}DATA_DIR to a larger disk")


def store_folder(folder: Path, data_dir: Path) -> Finding:
    """Where the workers keep their rows, often a disk of its own: one that cannot write there ends, again and again."""
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(bytes(_PROBE_BYTES))
    except OSError as error:
        advice = (
            "workers end until it can be written: make room there, or mount it writable; they start again by themselves"
        )
        return fail("store folder", f"{existing}: {error.strerror}", advice)
    mounts = {path.stat().st_dev: path for path in (existing, *sorted(folder.glob("*/*"))) if path.is_dir()}
    mounts.pop(_existing(data_dir).stat().st_dev, None)
    if not mounts:
        return ok("store folder", f"{existing} is writable, on the disk of the data folder")
    advice = (
        "free some there: a store is made anew from its topics, so those of partitions that moved away may be deleted"
    )
    found = [_room("store folder", path, f"{path} has a disk of its own: ", advice) for path in mounts.values()]
    return max(found, key=lambda finding: (finding.level is Level.FAIL, finding.level is Level.WARN))


def _room(name: str, existing: Path, told: str, advice: str) -> Finding:
    free = shutil.disk_usage(existing).free
    found = f"{told}{free / (1 << 30):.1f} GiB free"
    if free < _TOO_LITTLE_BYTES:
        return fail(name, found, advice)
    return warn(name, found, advice) if free < _LITTLE_BYTES else ok(name, found)


def archive(url: str) -> Finding:
    """Writes and removes a small file where originals are kept: ingest needs that before anything else."""
    try:
        files, root = fsspec.core.url_to_fs(url)
        _write_and_remove(files, f"{str(root).rstrip('/')}/incoming")
    except Exception as error:  # noqa: BLE001 -- every driver of fsspec raises errors of its own
        advice = (
            f"check the address and the rights, or set {PREFIX}ARCHIVE_URL; for s3:// and the like install the driver"
        )
        return fail("archive", f"{url}: {type(error).__name__}: {error}", advice)
    return ok("archive", f"{url} is writable")


def _write_and_remove(files: Any, folder: str) -> None:
    files.makedirs(folder, exist_ok=True)
    probe = f"{folder}/doctor-{uuid.uuid4().hex}"
    with files.open(probe, "wb") as stream:
        stream.write(b"paystate doctor")
    files.rm(probe)


def account_key(settings: Settings) -> Finding:
    """The secret that account numbers are hashed with: the same on every worker, for ever."""
    if settings.account_hash_key is not None:
        return ok("account key", "set")
    if not settings.embedded:
        try:
            settings.hash_key()
        except SettingsError as error:
            return fail("account key", "not set", str(error))
    path = settings.data_dir / "account-hash.key"
    if not path.exists():
        return ok("account key", "will be made for the embedded broker when it is first needed")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warn("account key", f"{path} can be read by others ({mode:o})", f"chmod 600 {path}")
    if not os.access(path, os.R_OK):
        return fail("account key", f"{path} cannot be read", "run as the user who made it")
    return ok("account key", f"kept in {path}")


def profiles(folder: Path | None) -> Finding:
    """The bank profiles: one that cannot be read stops ingest and workers."""
    try:
        names = InstalledFormats(folder).profiles()
    except ProfileError as error:
        return fail("bank profiles", str(error), f"correct the file, or see {PREFIX}PROFILES_DIR")
    return ok("bank profiles", ", ".join(names))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists: where it would be made."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
