"""A folder for what is made once and used again; so that two processes at once, or a kill, do no harm."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

Read = Callable[[Path], T]
Write = Callable[[Path, T], None]


def folders() -> Iterator[Path]:
    """Where to keep things, best first: the user's cache folder, then a temporary one."""
    with contextlib.suppress(RuntimeError):  # no home folder
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claimbench"
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user without a name, as in some containers
        yield Path(tempfile.gettempdir()) / f"claimbench-{getpass.getuser()}"


def cached(name: str, make: Callable[[], T], read: Read[T], write: Write[T]) -> T:
    """What `read` finds in the folder `name`, made and written there first if it is missing or damaged.

    `name` says all that the content depends on. Where nothing can be written, the content is made each time.
    """
    for place in folders():
        with contextlib.suppress(OSError, ValueError, EOFError):
            return read(place / name)
    made = make()
    for place in folders():
        with contextlib.suppress(OSError):
            _put(place, name, made, read, write)
            break
    return made


def _put(place: Path, name: str, made: T, read: Read[T], write: Write[T]) -> None:
    """Writes a whole folder aside and renames it into place, so that a reader finds all of it or nothing."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=place))
    try:
        write(aside, made)
        if not _moved(aside, place / name) and not _readable(place / name, read):
            shutil.rmtree(place / name, ignore_errors=True)
            _moved(aside, place / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _moved(aside: Path, target: Path) -> bool:
    """False if `target` is there already: another process was first, or it is damaged."""
    try:
        aside.rename(target)
    except OSError:
        return False
    return True


def _readable(folder: Path, read: Read[T]) -> bool:
    try:
        read(folder)
    except (OSError, ValueError, EOFError):
        return False
    return True
