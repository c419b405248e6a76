"""A warm process of another checkout or interpreter, which forks workers when it is told to on a socket."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from harness.engines import _hub
from harness.errors import BadInput
from harness.record import Json

#: Of personality(2), linux/personality.h.
ADDR_NO_RANDOMIZE = 0x0040000
#: Importing torch and transformers from a cold disk takes this long at most, s.
PATIENCE = 180.0
#: Beneath a checkout that holds only declarations, the harness that runs here is used.
HERE = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    label: str
    """As the user named it."""
    python: str
    root: Path
    """The checkout whose harness and declarations are measured."""
    commit: str | None = None
    """What is checked out there, of the user's repository; None for what is no commit."""


class WarmProcess:
    """It holds nothing but imports; `_hub` is the program that it runs."""

    def __init__(
        self, side: Side, log: Path, *, warm: bool, needs: Iterable[str] = (), turn: int | None = None
    ) -> None:
        """Two sides of the same `turn` have the same hashes and the same layout of memory; None for any."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        source = Path(_hub.__file__).read_text(encoding="utf-8")
        paths = [str(side.root), *([] if (side.root / "harness").is_dir() else [str(HERE)])]
        arguments = [side.python, "-c", source, str(theirs.fileno()), "warm" if warm else "cold", *needs]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        if turn is not None:
            # What the environment takes of the stack moves all that is on it: another layout in each turn.
            environment |= {"CLAIMBENCH_TURN": "x" * (turn * 1237 % 4096)}
            environment.setdefault("PYTHONHASHSEED", str(turn))
        try:
            with open(log, "ab") as out, theirs, _laid_out(turn is not None):
                self._process = subprocess.Popen(
                    arguments,
                    cwd=side.root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            raise BadInput(f"{side.label}: cannot start {side.python}: {error.strerror}") from None
        ours.settimeout(PATIENCE)
        self._control = ours

    def ask(self, message: Json, hand: Connection | None = None) -> Json:
        """Raises OSError or ValueError if the process is gone."""
        socket.send_fds(self._control, [json.dumps(message).encode()], [hand.fileno()] if hand else [])
        return self.read()

    def read(self) -> Json:
        answer: Json = json.loads(self._control.recv(1 << 20))
        return answer

    def close(self) -> None:
        """At once: it holds nothing, and its workers have left."""
        self._control.close()
        self._process.kill()
        self._process.wait(5)


@contextlib.contextmanager
def _laid_out(alike: bool) -> Iterator[None]:
    """Processes that are started here have their memory where the same program always has it, on Linux.

    Else each has it elsewhere, which alone made steps of microseconds differ by 1 to 4 % between two of them.
    Where that cannot be asked for, as in some containers, it is as it was.
    """
    before = _personality(0xFFFFFFFF) if alike and sys.platform == "linux" else -1
    if before < 0 or _personality(before | ADDR_NO_RANDOMIZE) < 0:
        yield
        return
    try:
        yield
    finally:
        _personality(before)


def _personality(value: int) -> int:
    """personality(2) of this thread: what it was before; -1 if it is refused."""
    return int(ctypes.CDLL(None).personality(ctypes.c_ulong(value)))


class ForkedProcess:
    """A process that another one started: what local.Worker asks of multiprocessing's Process."""

    def __init__(self, pid: int, parent: WarmProcess) -> None:
        self.pid = pid
        self.exitcode: int | None = None
        self._parent = parent
        self.sentinel = os.pidfd_open(pid)  # Until it is reaped, nobody else can have this number.

    def join(self, timeout: float) -> None:
        if self.exitcode is not None or not select.select([self.sentinel], [], [], timeout)[0]:
            return
        with contextlib.suppress(OSError, ValueError):
            self.exitcode = self._parent.ask({"reap": self.pid})["code"]

    def kill(self) -> None:
        if self.exitcode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.sentinel, signal.SIGKILL)

    def release(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.sentinel)
