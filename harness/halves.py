"""Work that comes in parts, half of it in a second process: what a large run takes is drawing and judging."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Found = TypeVar("Found")
#: With fewer parts a second process is not worth its start.
FEWEST = 4


def each(parts: Sequence[Callable[[], Found]]) -> list[Found]:
    """What each part gives, in order.

    The second process is a fork: it has the parts, and reads no run again. What they give must be picklable.
    Garbage collection goes through all that is there, and copies its pages in the fork: better turned off.
    Where no fork is safe, on one core and for few parts all is done here. RuntimeError says what failed.
    """
    if len(parts) < FEWEST or not _forks():
        return [part() for part in parts]
    context = multiprocessing.get_context("fork")
    inbox, outbox = context.Pipe(duplex=False)
    taken = context.Value("i", 0)
    other = context.Process(target=_send, args=(outbox, parts, taken), daemon=True)
    try:
        other.start()
        outbox.close()
        found = dict(_done(parts, taken))
        found.update(_received(inbox))
    finally:
        inbox.close()
        other.join()
    return [found[number] for number in range(len(parts))]


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Does `work`, which leaves files and nothing else, in a second process while the block does more.

    The block goes first where both want a core: `work` has until its end, a part of which takes one core.
    """
    if not _forks():
        work()
        yield
        return
    other = multiprocessing.get_context("fork").Process(target=_yielding, args=(work,), daemon=True)
    other.start()
    try:
        yield
    finally:
        other.join()
    if other.exitcode:
        raise RuntimeError("the process that writes beside this one failed; what it said is above")


def _yielding(work: Callable[[], None]) -> None:
    os.nice(10)
    work()


def _done(parts: Sequence[Callable[[], Found]], taken: Any) -> Iterator[tuple[int, Found]]:
    """The next part that nobody has taken, as long as there is one: who has less else to do takes more."""
    while True:
        with taken.get_lock():
            number = taken.value
            taken.value += 1
        if number >= len(parts):
            return
        yield number, parts[number]()


def _forks() -> bool:
    """A fork with threads beside it may wait for ever; on macOS one that computes may crash."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _send(outbox: Connection, parts: Sequence[Callable[[], Found]], taken: Any) -> None:
    try:
        outbox.send((None, dict(_done(parts, taken))))
    except Exception as error:
        outbox.send((f"{type(error).__name__}: {error}", {}))
        raise


def _received(inbox: Connection) -> dict[int, Any]:
    try:
        failed, found = inbox.recv()
    except EOFError:
        failed, found = "it was killed", {}
    if failed:
        raise RuntimeError(f"the process that draws the other half failed: {failed}")
    return dict(found)
