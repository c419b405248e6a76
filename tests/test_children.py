"""Processes that a step starts: what readings come to, and real children whose memory is known."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import pytest

from harness import children
from harness.children import Highest, Reading

MIB = 1 << 20


def new() -> Callable[[], Mapping[int, Reading]]:
    """Readings of what is started from now on: other tests of this process may have left something."""
    before = children.readings().keys()
    return lambda: {pid: one for pid, one in children.readings().items() if pid not in before}


def test_the_highest_is_of_all_that_live_together() -> None:
    found = Highest()
    found.add({1: Reading(10, 30), 2: Reading(5, 5)})
    found.add({1: Reading(12, 30)})
    found.add({3: Reading(11, 11)})
    assert found.bytes == 15


def test_what_came_and_went_between_readings_is_added() -> None:
    found = Highest()
    found.add({1: Reading(own=10, resident=30, highest=30)})
    found.add({1: Reading(own=8, resident=28, highest=95)})
    assert found.bytes == 10 + 65


def test_another_program_in_the_same_process_begins_anew() -> None:
    found = Highest()
    found.add({1: Reading(own=2, resident=300, highest=300)})
    found.add({1: Reading(own=4, resident=10, highest=50)})
    assert found.bytes == 4 + 40


def test_nothing_started_is_nothing() -> None:
    with children.watched(lambda: {}) as found:
        pass
    assert found.bytes == 0


def test_it_is_read_until_the_block_ends_and_not_after() -> None:
    count = itertools.count()
    with children.watched(lambda: {1: Reading(next(count), 0)}) as found:
        while found.bytes < 3:
            time.sleep(0.001)
    seen = found.bytes
    assert next(count) == seen + 1


#: Has so many MiB, frees them, says so, and stays until its input ends.
FREED = "import sys; bytearray(b'1') * ({} << 20); print(flush=True); sys.stdin.read()"


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no high-water mark")
def test_a_program_is_counted_with_the_peak_that_it_had() -> None:
    """It is read after it has freed everything: only the system's mark still tells."""
    held = bytearray(b"1") * (300 * MIB)  # No child's: that it runs in our memory before `exec` is not told.
    sizes = []
    for mib in (64, 128):
        found = Highest()
        read = new()
        with subprocess.Popen(
            [sys.executable, "-c", FREED.format(mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout
            assert child.stdout.readline()
            found.add(read())
        sizes.append(found.bytes / MIB)
    assert len(held)
    assert sizes[1] < 200
    assert sizes[1] - sizes[0] == pytest.approx(64, abs=10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_of_a_fork_only_what_it_adds_counts() -> None:
    held = bytearray(b"1") * (200 * MIB)
    found, read = Highest(), new()
    ready, says = os.pipe()
    child = os.fork()
    if child == 0:
        own = bytearray(b"1") * (50 * MIB)
        os.write(says, b"!")
        time.sleep(60)
        os._exit(0 if own and held else 1)
    assert os.read(ready, 1) == b"!"
    found.add(read())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert found.bytes / MIB == pytest.approx(50, abs=10)
