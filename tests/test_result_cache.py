"""Another process shares the cache: it fills it, works when it is told to, and never outlives us."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from harness import result_cache
from harness.result_cache import Neighbour

RESULTS = {b"one": [1.0], b"two": [2.0]}


def until_free(neighbour: Neighbour) -> None:
    """Waits for the end of the turn that it is at."""
    neighbour._wait()
    neighbour._busy = False


def test_what_the_other_process_writes_is_read_here(tmp_path: Path) -> None:
    neighbour = Neighbour(tmp_path)
    with result_cache.opened(tmp_path) as cache:
        neighbour.fill(RESULTS)
        assert {key: cache.get(key) for key in RESULTS} == RESULTS
        _, expiry = cache.get(b"one", expire_time=True)
        assert 0 < expiry - time.time() <= result_cache.LIFETIME
    neighbour.close()


def test_each_turn_writes_the_next_result_anew(tmp_path: Path) -> None:
    neighbour = Neighbour(tmp_path)
    neighbour.fill(RESULTS)
    with result_cache.opened(tmp_path) as cache:
        cache.clear()
        for count in (1, 2):
            neighbour.wake()
            until_free(neighbour)
            assert len(cache) == count
        assert {key: cache.get(key) for key in RESULTS} == RESULTS
    neighbour.close()


def test_it_is_given_one_turn_at_a_time(tmp_path: Path) -> None:
    neighbour = Neighbour(tmp_path)
    neighbour.fill(RESULTS)
    with result_cache.opened(tmp_path) as cache:
        cache.clear()
        os.kill(neighbour.pid, signal.SIGSTOP)
        for _ in range(3):
            neighbour.wake()
        assert neighbour.turns == 0
        os.kill(neighbour.pid, signal.SIGCONT)
        neighbour.close()
        assert len(cache) == 1


def test_it_ends_when_it_is_closed_and_its_loss_is_told(tmp_path: Path) -> None:
    neighbour = Neighbour(tmp_path)
    process = psutil.Process(neighbour.pid)
    process.kill()
    with pytest.raises(OSError, match=r"has ended|Broken pipe"):
        neighbour.fill(RESULTS)
    neighbour.close()
    assert not process.is_running()


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        neighbour = Neighbour(tmp_path)
        neighbour.fill(RESULTS)
        os.write(writer, str(neighbour.pid).encode())
        time.sleep(60)
        os._exit(0)
    other = psutil.Process(int(os.read(reader, 20)))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    gone, alive = psutil.wait_procs([other], timeout=5)
    os.close(reader)
    os.close(writer)
    assert (gone, alive) == ([other], [])
