"""Whether somebody still has a file open for writing, where the platform tells."""

from __future__ import annotations

import errno
import os
import signal
import sys
from enum import Enum
from pathlib import Path


class Writers(Enum):
    """NONE is proof. UNTOLD: another user's file, a network file system, another platform than Linux."""

    NONE = "none"
    SOME = "some"
    UNTOLD = "untold"


def writers_of(path: Path) -> Writers:
    """Who writes to it now. The file is opened for reading for a moment; nobody is held up or told."""
    if sys.platform != "linux":
        return Writers.UNTOLD
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Writers.UNTOLD  # whoever reads it will say why it cannot be read
    try:
        return _leased(descriptor)
    finally:
        os.close(descriptor)


def _leased(descriptor: int) -> Writers:
    """The kernel grants a read lease only while nobody has the file open for writing (fcntl(2), "Leases")."""
    import fcntl

    try:
        # Who opens it while we hold the lease has the kernel signal us: SIGURG is ignored by default, SIGIO kills.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return Writers.SOME if error.errno == errno.EAGAIN else Writers.UNTOLD
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return Writers.NONE
