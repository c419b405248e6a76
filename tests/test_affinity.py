"""Threads held on a CPU: the one that asks, for as long as it asks, and no child of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from harness import affinity

FREE = os.sched_getaffinity(0)


def test_each_turn_has_the_next_of_the_cpus_that_there_are() -> None:
    chosen = [affinity.choose(turn) for turn in range(len(FREE) + 1)]
    assert set(chosen) == FREE
    assert chosen[0] == chosen[-1]


def test_a_thread_is_held_and_then_free_again() -> None:
    cpu = affinity.choose(0)
    assert cpu is not None
    with affinity.held(cpu):
        assert os.sched_getaffinity(0) == {cpu}
    assert os.sched_getaffinity(0) == FREE
    with pytest.raises(KeyError), affinity.held(cpu):
        raise KeyError
    assert os.sched_getaffinity(0) == FREE


def test_other_threads_stay_free() -> None:
    begin, seen = threading.Event(), []

    def look() -> None:
        begin.wait()
        seen.append(os.sched_getaffinity(0))

    other = threading.Thread(target=look)
    other.start()
    with affinity.held(affinity.choose(0)):
        begin.set()
        other.join()
    assert seen == [FREE]


#: Only of use where there is more than one CPU; with one it is true by itself.
FORKS = """
import os
from harness import affinity
free = os.sched_getaffinity(0)
with affinity.held(affinity.choose(0)):
    child = os.fork()
    if child == 0:
        os._exit(0 if os.sched_getaffinity(0) == free else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_child_process_is_free() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True)


def test_none_holds_nothing() -> None:
    with affinity.held(None):
        assert os.sched_getaffinity(0) == FREE


def test_where_threads_cannot_be_held_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    assert affinity.choose(1) is None
