"""Other tools as processes: the same environment for all, ended with all they started, also when we end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from harness import threads

ROOT = Path(__file__).resolve().parent.parent
#: Enough for any batch; what takes longer hangs.
LIMIT = 4 * 3600.0


def environment(count: int = 1) -> dict[str, str]:
    """What all tools run in, ours too: so many threads, which sleep while they wait.

    Not that a pytest may run this: it would have pytest-benchmark time nothing, as one of several processes.
    """
    found = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "OMP_NUM_THREADS": str(count),
        "MKL_NUM_THREADS": str(count),
        "OPENBLAS_NUM_THREADS": str(count),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": str(ROOT),
        "TRUST_ROOT": str(ROOT),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "COLUMNS": "200",
    }
    threads.wait_asleep(found)
    return found


def run(
    command: Sequence[str], folder: Path, limit: float = LIMIT, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`command` in `folder`. After `limit` seconds it is ended; its return code is then that of a kill."""
    with subprocess.Popen(
        list(command),
        cwd=folder,
        env={**environment(), **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent if sys.platform == "linux" else None,
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            end(process.pid)
            output, _ = process.communicate()
        finally:
            end(process.pid)
    return subprocess.CompletedProcess(list(command), process.returncode, output, "")


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def die_with_parent() -> None:
    """The kernel ends this process when the one that started it ends, however that is."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def end(pid: int) -> None:
    """Ends a process, if it still runs, with all below it: asv's fork server has a group of its own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
