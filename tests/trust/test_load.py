"""The load keeps a core busy, and does not outlive who started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from trust import load

ROOT = Path(__file__).parents[2]
PARENT = """\
import time
from trust import load

with load.busy() as process:
    print(process.pid, flush=True)
    time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        psutil.Process(pid).wait(20)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_it_works_until_the_condition_ends() -> None:
    with load.busy() as process:
        assert psutil.Process(process.pid).status() in (psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING)
        assert process.poll() is None
    assert gone(process.pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_however_that_ends(how: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        busy = int(parent.stdout.readline())
        assert psutil.pid_exists(busy)
        parent.send_signal(how)
    assert gone(busy)


def test_idle_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "busy", None)
    with load.condition("idle"):
        pass
