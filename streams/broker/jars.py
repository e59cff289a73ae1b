"""The jars of Apache Kafka: resolved once by jgo, with checksums, and kept in the user's cache."""

from __future__ import annotations

import os
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
    try:
        return _class_path()
    except BrokerError:
        raise
    except Exception as error:
        raise BrokerError(
            f"Kafka's jars could not be resolved: {error}. Check the network and the Maven settings of this machine, "
            "or point PAYSTATE_KAFKA__BOOTSTRAP_SERVERS at a broker that runs already"
        ) from error


def jars_at_hand() -> str | None:
    """The class path if the jars are in the cache already; nothing is fetched."""
    marker = _marker()
    if not marker.exists():
        return None
    kept = marker.read_text(encoding="utf-8")
    return kept if kept and all(Path(jar).exists() for jar in kept.split(os.pathsep)) else None


def _marker() -> Path:
    return cache_dir() / f"kafka-{KAFKA_VERSION}.classpath"


def _class_path() -> str:
    if kept := jars_at_hand():
        return kept
    try:
        import jgo
    except ImportError:
        raise BrokerError("the embedded broker needs an extra: pip install 'paystate[broker]'") from None
    environment = jgo.build(_ENDPOINT, update=False, cache_dir=str(cache_dir() / "jars"))
    root = Path(str(environment.path))
    jars = sorted(str(jar) for folder in ("jars", "modules") for jar in (root / folder).glob("*.jar"))
    if not jars:
        raise BrokerError(f"no jars were resolved into {root}: remove that folder and try again")
    resolved = os.pathsep.join(jars)
    cache_dir().mkdir(parents=True, exist_ok=True)
    temporary = _marker().with_suffix(f".{os.getpid()}")
    temporary.write_text(resolved, encoding="utf-8")
    temporary.replace(_marker())
    return resolved
