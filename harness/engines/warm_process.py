"""A warm process of another checkout or interpreter, which forks workers when it is told to on a socket."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from harness.engines import _hub
from harness.errors import BadInput
from harness.record import Json

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


class WarmProcess:
    """It holds nothing but imports; `_hub` is the program that it runs."""

    def __init__(self, side: Side, log: Path, *, warm: bool, needs: Iterable[str] = ()) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        source = Path(_hub.__file__).read_text(encoding="utf-8")
        paths = [str(side.root), *([] if (side.root / "harness").is_dir() else [str(HERE)])]
        arguments = [side.python, "-c", source, str(theirs.fileno()), "warm" if warm else "cold", *needs]
        try:
            with open(log, "ab") as out, theirs:
                self._process = subprocess.Popen(
                    arguments,
                    cwd=side.root,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
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
