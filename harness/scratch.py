"""The folder of what a run needs only while it lasts: logs, compile caches, models that it trained.

A run that is killed cannot take its folder away; the next run does. Each folder holds a file that its run
keeps locked as long as it lives, so a folder whose file nobody has locked is nobody's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.errors import BadInput

PREFIX = "claimbench-"
LOCK = "in-use"
#: Bytes of the temporary folder's path. Below it are sockets of workers and of their loaders, whose path has
#: 107 at most: ``/claimbench-12345678/temporary/pymp-12345678/listener-12345678``.
LONGEST = 45


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder, gone afterwards, as are those that killed runs have left. The user's TMPDIR holds it.

    Raises BadInput where its path is too long.
    """
    place = tempfile.gettempdir()
    if len(os.fsencode(place)) > LONGEST:
        raise BadInput(
            f"the temporary folder {place} has too long a path for a socket: set TMPDIR to one of at most "
            f"{LONGEST} characters, such as TMPDIR=/tmp"
        )
    with held(Path(place)) as made:
        yield made


@contextlib.contextmanager
def held(place: Path) -> Iterator[Path]:
    """A new folder in `place`, gone afterwards, as are those there that killed runs have left."""
    _sweep(place)
    made = tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True)
    with made as name, open(Path(name, LOCK), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _sweep(place: Path) -> None:
    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        # Another user's cannot be opened; one that another run sweeps at the same time is gone.
        with contextlib.suppress(OSError), open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
