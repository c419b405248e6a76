"""A scripted load: one process that keeps one core busy, and ends with the process that started it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

#: It works until its input ends, which is when the other end of the pipe is closed: by us, or by our death.
SCRIPT = """\
import os, sys, threading

def watch():
    sys.stdin.buffer.read()
    os._exit(0)

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
threading.Thread(target=watch, daemon=True).start()
values = [0.5] * 10_000
print("busy", flush=True)
while True:
    sum(value * value for value in values)
"""

CONDITIONS = {"idle": "no load of ours", "load": "one core busy with a process of ours"}


@contextlib.contextmanager
def condition(name: str) -> Iterator[None]:
    """The machine as it is, or with one core busy."""
    if name == "idle":
        yield
        return
    with busy():
        yield


@contextlib.contextmanager
def busy() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SCRIPT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
