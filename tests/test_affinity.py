"""Threads held on a CPU: the one that asks, for as long as it asks, and no child of it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading

import pytest

from harness import affinity

FREE = os.sched_getaffinity(0)
ME = threading.get_native_id()


def test_each_turn_has_the_next_of_the_cpus_that_there_are() -> None:
    chosen = [affinity.choose(turn, [ME])[ME] for turn in range(len(FREE) + 1)]
    assert set(chosen) == FREE
    assert chosen[0] == chosen[-1]


def test_each_thread_has_a_cpu_of_its_own_and_too_many_have_none() -> None:
    threads = list(range(1, len(FREE) + 1))
    places = affinity.choose(1, threads)
    assert list(places) == threads
    assert set(places.values()) == FREE
    assert affinity.choose(1, [*threads, 99]) == {}


def test_a_thread_is_held_and_then_free_again() -> None:
    places = affinity.choose(0, [ME])
    with affinity.held(places):
        assert os.sched_getaffinity(0) == {places[ME]}
    assert os.sched_getaffinity(0) == FREE
    with pytest.raises(KeyError), affinity.held(places):
        raise KeyError
    assert os.sched_getaffinity(0) == FREE


def test_other_threads_stay_free_or_are_held_where_they_are_to_be() -> None:
    begin, seen = threading.Event(), []
    other = threading.Thread(target=lambda: (begin.wait(), seen.append(os.sched_getaffinity(0))))
    other.start()
    with affinity.held(affinity.choose(0, [ME])):
        assert os.sched_getaffinity(other.native_id or 0) == FREE
    with affinity.held({other.native_id or 0: min(FREE)}):
        begin.set()
        other.join()
    assert seen == [{min(FREE)}]


def test_a_thread_that_has_ended_is_not_missed() -> None:
    other = threading.Thread(target=lambda: None)
    other.start()
    other.join()
    with affinity.held({other.native_id or 0: min(FREE), ME: min(FREE)}):
        assert os.sched_getaffinity(0) == {min(FREE)}
    assert os.sched_getaffinity(0) == FREE


def test_who_computes_is_told_by_cpu_time_and_who_asks_is_first() -> None:
    before = {ME: (100, 0), ME + 1: (500, 0), ME + 2: (0, 0)}
    after = {ME: (1100, 0), ME + 1: (550, 9000), ME + 2: (900, 0), ME + 3: (800, 0)}
    assert affinity.computing(before, after) == [ME, ME + 2, ME + 3]
    assert affinity.computing({}, {}) == []


def test_a_process_is_awake_for_as_long_as_its_busiest_thread_runs_or_wants_to() -> None:
    before = {ME: (100, 50), ME + 1: (500, 0)}
    after = {ME: (500_000_100, 250_000_050), ME + 1: (200_000_500, 0), ME + 2: (1000, 0)}
    assert affinity.awake(before, after, 1.0) == 0.75
    assert affinity.awake({}, {}, 1.0) == affinity.awake(before, after, 0.0) == 0


def test_a_thread_that_computes_and_one_that_sleeps_are_told_apart() -> None:
    ends = threading.Event()

    def compute() -> None:
        while not ends.is_set():
            hashlib.sha256(bytes(4_000_000))

    sleeps, computes = threading.Thread(target=ends.wait), threading.Thread(target=compute)
    before = affinity.times()
    sleeps.start()
    computes.start()
    # However busy the machine is: until the other has really run for 50 ms.
    while affinity.times()[computes.native_id or 0][0] < 50e6:
        hashlib.sha256(bytes(4_000_000))
    after = affinity.times()
    ends.set()
    assert affinity.computing(before, after) == [ME, computes.native_id]
    computes.join()


#: Only of use where there is more than one CPU; with one it is true by itself.
FORKS = """
import os
from harness import affinity
free = os.sched_getaffinity(0)
with affinity.held(affinity.choose(0, [os.getpid()])):
    child = os.fork()
    if child == 0:
        os._exit(0 if os.sched_getaffinity(0) == free else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_child_process_is_free() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True)


@pytest.mark.parametrize(("shares", "turn"), [([0.0], 5), ([0.5, 0.01], 6), ([0.5, 0.4], 6), ([0.3, 0.6], 5)])
def test_the_first_free_cpu_is_taken_or_the_one_with_the_least_wait(
    shares: list[float], turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cpu.allowed", lambda: [0, 1])
    left = iter(shares)
    assert affinity.free(5, lambda: next(left)) == turn
    assert next(left, None) is None


BUSY = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print("busy", flush=True)
while True:
    pass
"""


@pytest.mark.skipif(len(FREE) == 1, reason="there is no other CPU to go to")
def test_a_cpu_on_which_another_process_runs_is_not_free() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        taken = affinity.choose(0, [ME])
        with affinity.held(taken):
            assert affinity.waiting() > affinity.FREE
        other.kill()


def test_nothing_chosen_holds_nothing() -> None:
    with affinity.held({}):
        assert os.sched_getaffinity(0) == FREE


def test_where_threads_cannot_be_held_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    assert affinity.choose(1, [ME]) == {}
