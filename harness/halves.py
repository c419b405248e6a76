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
from typing import Any, TypeVar

from harness.errors import BadInput

Found = TypeVar("Found")
#: With fewer parts a second process is not worth its start.
FEWEST = 4


def each(parts: Sequence[Callable[[], Found]]) -> list[Found]:
    """What each part gives, in order.

    The second process is a fork: it has the parts, and reads no run again. What they give must be picklable.
    Garbage collection goes through all that is there, and copies its pages in the fork: better turned off.
    Where no fork is safe, on one core and for few parts all is done here. BadInput and OSError are raised as
    they were, and RuntimeError says what else failed in the second process.
    """
    if len(parts) < FEWEST or not _forks():
        return [part() for part in parts]
    taken = multiprocessing.get_context("fork").Value("i", 0)
    with _second(lambda: dict(_done(parts, taken))) as theirs:
        found = dict(_done(parts, taken))
        found.update(theirs())
    return [found[number] for number in range(len(parts))]


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Does `work`, which leaves files and nothing else, in a second process while the block does more.

    Raises as `each` does.
    """
    if not _forks():
        work()
        yield
        return
    with _second(work) as done:
        yield
        done()


@contextmanager
def _second(work: Callable[[], Found]) -> Iterator[Callable[[], Found]]:
    """A fork that does `work`; what is given here waits for that. If the block fails nobody wants it."""
    context = multiprocessing.get_context("fork")
    inbox, outbox = context.Pipe(duplex=False)
    other = context.Process(target=_led, args=(work, outbox), daemon=True)
    other.start()
    outbox.close()
    try:
        with inbox:
            yield partial(_received, inbox)
    except BaseException:
        other.kill()
        raise
    finally:
        other.join()


def _led(work: Callable[[], object], outbox: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one.
    try:
        outbox.send((None, work()))
    except (BadInput, OSError) as error:
        outbox.send((error, None))
    except Exception as error:
        outbox.send((RuntimeError(f"the second process failed: {type(error).__name__}: {error}"), None))
        raise


def _received(inbox: Connection) -> Any:
    try:
        failed, found = inbox.recv()
    except EOFError:
        raise RuntimeError("the second process was killed") from None
    if failed:
        raise failed
    return found


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
