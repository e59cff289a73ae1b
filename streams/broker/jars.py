"""The jars of Apache Kafka: resolved once by jgo, with checksums, and kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from streams.broker.java import BrokerError

KAFKA_VERSION: Final = "4.1.0"
_ENDPOINT: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
    # Pinned with "!": without it the BOM of log4j lowers other jars, and without this jar the broker logs nothing.
    "+org.apache.logging.log4j:log4j-slf4j-impl:2.24.3!"
)


def cache_dir() -> Path:
    """Where the jars stay: PAYSTATE_CACHE_DIR, else the platform's cache folder."""
    if configured := os.environ.get("PAYSTATE_CACHE_DIR"):
        return Path(configured)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "paystate"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paystate"


def class_path() -> str:
    """The class path of the broker, resolved on first use (about 45 MB). Raises BrokerError."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("a") as lock:
        # Two first starts at once would write the same files.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return os.pathsep.join(_kept() or _resolved())
        except BrokerError:
            raise
        except Exception as error:
            raise BrokerError(
                f"Kafka's jars could not be resolved: {error}. Check the network and Maven's settings, or "
                "point PAYSTATE_KAFKA__BOOTSTRAP_SERVERS at a broker that runs already"
            ) from error


def jars_at_hand() -> bool:
    """Whether the jars were fetched before; whether they are what they were is checked when the broker starts."""
    return _manifest().exists()


def _manifest() -> Path:
    return cache_dir() / f"kafka-{KAFKA_VERSION}.sha256"


def _kept() -> list[str]:
    """The jars resolved before, in class path order; none if one is missing or not what it was."""
    manifest = _manifest()
    if not manifest.exists():
        return []
    lines = [line.split("  ", 1) for line in manifest.read_text(encoding="utf-8").splitlines()]
    if all(len(line) == 2 and Path(line[1]).is_file() and _sha256(Path(line[1])) == line[0] for line in lines):
        return [path for _, path in lines]
    # jgo takes what lies in its folder for good: only an empty one is filled anew, from the verified downloads.
    shutil.rmtree(cache_dir() / "jars", ignore_errors=True)
    return []


def _resolved() -> list[str]:
    try:
        import jgo
    except ImportError:
        raise BrokerError("the embedded broker needs an extra: pip install 'paystate[broker]'") from None
    environment = jgo.build(_ENDPOINT, update=False, cache_dir=str(cache_dir() / "jars"))
    root = Path(str(environment.path))
    jars = sorted(str(jar) for folder in ("jars", "modules") for jar in (root / folder).glob("*.jar"))
    if not jars:
        raise BrokerError(f"no jars were resolved into {root}: remove that folder and try again")
    manifest = _manifest()
    temporary = manifest.with_suffix(f".{os.getpid()}")
    temporary.write_text("".join(f"{_sha256(Path(jar))}  {jar}\n" for jar in jars), encoding="utf-8")
    temporary.replace(manifest)
    return jars


def _sha256(jar: Path) -> str:
    with jar.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
