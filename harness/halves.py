"""Work that comes in parts, half of it in a second process: what a large run takes is drawing and judging."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from harness.errors import BadInput

Found = TypeVar("Found")
#: With fewer parts a second process is not worth its start.
FEWEST = 4


def each(parts: Sequence[Callable[[], Found]]) -> list[Found]:
    """What each part gives, in order.

    The second process is a fork: it has the parts, and reads no run again. What they give must be picklable.
    Garbage collection goes through all that is there, and copies its pages in the fork: better turned off.
    Where no fork is safe, on one core and for few parts all is done here. BadInput is raised as it was, and
    RuntimeError says what else failed in the second process.
    """
    if len(parts) < FEWEST or not _forks():
        return [part() for part in parts]
    context = multiprocessing.get_context("fork")
    inbox, outbox = context.Pipe(duplex=False)
    taken = context.Value("i", 0)
    with inbox, _second(partial(_send, outbox, parts, taken)):
        outbox.close()
        found = dict(_done(parts, taken))
        found.update(_received(inbox))
    return [found[number] for number in range(len(parts))]


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Does `work`, which leaves files and nothing else, in a second process while the block does more."""
    if not _forks():
        work()
        yield
        return
    with _second(work) as other:
        yield
    if other.exitcode:
        raise RuntimeError("the process that writes beside this one failed; what it said is above")


@contextmanager
def _second(work: Callable[[], None]) -> Iterator[BaseProcess]:
    """A fork that does `work`: to the end, but for a block that fails, after which nobody wants the rest."""
    other = multiprocessing.get_context("fork").Process(target=_led, args=(work,), daemon=True)
    other.start()
    try:
        yield other
    except BaseException:
        other.kill()
        raise
    finally:
        other.join()


def _led(work: Callable[[], None]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one.
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
    """A fork beside threads may wait for ever, and on macOS crash; a fork of ours makes none of its own."""
    if sys.platform != "linux" or multiprocessing.current_process().daemon:
        return False
    return threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _send(outbox: Connection, parts: Sequence[Callable[[], Found]], taken: Any) -> None:
    try:
        outbox.send((None, dict(_done(parts, taken))))
    except BadInput as error:
        outbox.send((error, {}))
    except Exception as error:
        outbox.send((f"{type(error).__name__}: {error}", {}))
        raise


def _received(inbox: Connection) -> dict[int, Any]:
    try:
        failed, found = inbox.recv()
    except EOFError:
        failed, found = "it was killed", {}
    if isinstance(failed, BadInput):
        raise failed
    if failed:
        raise RuntimeError(f"the process that does the other half failed: {failed}")
    return dict(found)
