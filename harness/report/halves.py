"""Work that comes in parts, half of it in a second process: drawing is most of what a page takes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Found = TypeVar("Found")
#: With fewer parts a second process is not worth its start.
FEWEST = 4


def each(parts: Sequence[Callable[[], Found]]) -> list[Found]:
    """What each part gives, in order.

    The second process is a fork: it has the parts, and reads no run again. What they give must be picklable.
    Where no fork is safe, on one core and for few parts all is done here. RuntimeError says what failed.
    """
    if len(parts) < FEWEST or not _forks():
        return [part() for part in parts]
    context = multiprocessing.get_context("fork")
    inbox, outbox = context.Pipe(duplex=False)
    # What is there stays where it is: a collection would go through it, and copy its pages in the fork.
    gc.freeze()
    other = context.Process(target=_send, args=(outbox, parts[1::2]), daemon=True)
    try:
        other.start()
        outbox.close()
        ours = [part() for part in parts[::2]]
        theirs: list[Found] = _received(inbox)
    finally:
        gc.unfreeze()
        inbox.close()
        other.join()
    found = [*ours, *theirs]
    found[::2], found[1::2] = ours, theirs
    return found


def _forks() -> bool:
    """A fork with threads beside it may wait for ever; on macOS one that computes may crash."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _send(outbox: Connection, parts: Sequence[Callable[[], Found]]) -> None:
    try:
        outbox.send((None, [part() for part in parts]))
    except Exception as error:
        outbox.send((f"{type(error).__name__}: {error}", []))
        raise


def _received(inbox: Connection) -> list[Any]:
    try:
        failed, found = inbox.recv()
    except EOFError:
        failed, found = "it was killed", []
    if failed:
        raise RuntimeError(f"the process that draws the other half failed: {failed}")
    return list(found)
