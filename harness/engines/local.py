"""Workers on this machine, as processes: forked from a warm one, or in a fresh interpreter.

A fork costs a fraction of a second where importing torch costs seconds. It is sound only from a process
without threads, device contexts or compiled code. The warm process has none: it imports, and no more. CUDA
and techniques marked ``fresh`` get an interpreter of their own all the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harness import failures, limits, record, threads, worker
from harness.errors import WorkerFailed
from harness.record import Json

#: `json.loads` less what it does for the texts of others: an answer is read while caches are cold, and each
#: visit of 10 ms has one.
DECODE = json.JSONDecoder().raw_decode
#: What ends a run.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Worker:
    """A running worker. `ask` sends a command and waits; the process is gone after `close`."""

    def __init__(self, process: Any, connection: Connection, log: Path) -> None:
        self._process = process
        self._connection = connection
        self._log = log
        self._kills = limits.oom_kills()
        self._heard = select.poll()  # Made once: an answer is awaited thousands of times.
        for source in (connection.fileno(), process.sentinel):
            self._heard.register(source, select.POLLIN)
        self._asked: Json = {}
        self._request = b""
        self.pid: int = process.pid

    def ask(self, command: str, limit: float, **arguments: Any) -> Json:
        """The answer to `command`. Raises WorkerFailed: with ``timeout`` after `limit` seconds."""
        self.begin(command, **arguments)
        return self.answer(limit, command)

    def begin(self, command: str, **arguments: Any) -> None:
        """Sends `command`; its `answer` is to be awaited. Raises WorkerFailed if the worker is gone."""
        asked = {"do": command, **arguments}
        if asked != self._asked:  # Each of thousands of visits asks for the same.
            self._asked, self._request = asked, json.dumps(asked).encode()
        try:
            self._connection.send_bytes(self._request)
        except OSError:
            raise self._died() from None

    def ready(self, seconds: float) -> bool:
        """Whether there is an answer, or the worker's end, within so many seconds."""
        return bool(self._heard.poll(1000 * seconds))

    def stop(self) -> None:
        """Stops the worker's process where it is; its children go on."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, limit: float, command: str) -> None:
        """Until it has answered `command`. Raises WorkerFailed: with ``timeout`` after `limit` seconds."""
        if not self.ready(limit):
            self.kill()
            raise WorkerFailed(record.TIMEOUT, f"{command} took over {limit:.0f} s")

    def answer(self, limit: float, command: str = "build") -> Json:
        self.wait(limit, command)
        try:
            answer: Json = DECODE(self._connection.recv_bytes().decode())[0]
        except (EOFError, OSError):
            raise self._died() from None
        if "ok" not in answer:
            raise WorkerFailed(answer["outcome"], answer["message"])
        result: Json = answer["ok"]
        return result

    def _died(self) -> WorkerFailed:
        self._process.join(5)
        code = self._process.exitcode
        if limits.oom_kills() > self._kills:
            return WorkerFailed(record.OUT_OF_MEMORY, "the kernel's out-of-memory killer ended it")
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return WorkerFailed(record.crashed(how), f"the worker ended with {how}{self._last_words()}")

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").strip().splitlines()
            return f"; its last line: {lines[-1][:300]}" if lines else ""
        return ""

    def kill(self) -> None:
        """Ends the worker and every process that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join(5)

    def close(self) -> None:
        """Asks the worker to leave, and ends it if it does not."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(b'{"do": "stop"}')
        self._process.join(5)
        self.kill()
        self._connection.close()


class LocalEngine:
    """Starts workers. `scratch` holds their logs and compile caches, and goes with the run."""

    def __init__(self, scratch: Path) -> None:
        threads.wait_asleep()  # Read as torch is imported, which the processes started here have yet to do.
        self._scratch = scratch
        self._warm = multiprocessing.get_context("forkserver")
        self._warm.set_forkserver_preload(["harness.warm"])
        self._fresh = multiprocessing.get_context("spawn")
        self._started = 0
        self._imported = False

    def start(self, spec: Json, *, fresh: bool) -> Worker:
        """A worker that is building `spec`; its first `answer` says whether that went well."""
        self._started += 1
        log = self._scratch / f"worker-{self._started}.log"
        return self._start(worker.main, {**spec, "log": str(log)}, log, fresh)

    def call(self, function: Callable[..., Json], limit: float, *arguments: Any) -> Json:
        """`function(*arguments)` in a short-lived warm process: for facts that only torch knows."""
        log = self._scratch / "call.log"
        process = self._start(_call, {"function": function, "arguments": arguments}, log, False)
        try:
            return process.answer(limit, function.__name__)
        finally:
            process.kill()

    def _start(self, target: Callable[..., None], spec: Json, log: Path, fresh: bool) -> Worker:
        context = self._fresh if fresh else self._warm
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs, spec), daemon=False)
        if not fresh:
            with _unheard():
                forkserver.ensure_running()
        # Half a message would have whoever reads it say so on the terminal. The first of the warm process is
        # answered when it has imported torch: that takes seconds, in which Ctrl-C is heard.
        whole = _put_off() if fresh or self._imported else contextlib.nullcontext()
        with whole, _unheard() if fresh else contextlib.nullcontext():
            process.start()
        self._imported |= not fresh
        theirs.close()
        return Worker(process, ours, log)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """What is started here hears no Ctrl-C, not even while it imports; the runner hears it right after."""
    resource_tracker.ensure_running()  # Where it has yet to be started, that would let Ctrl-C through again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _put_off() -> Iterator[None]:
    """What ends a run is heard right after. With a mask another thread of the runner would take it."""
    heard: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    handlers = {one: signal.getsignal(one) for one in ENDS if main and callable(signal.getsignal(one))}
    try:
        for one in handlers:
            signal.signal(one, lambda number, frame: heard.append(number))
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for number in heard:
            signal.raise_signal(number)


def environment(scratch: Path, case: str, side: str = "") -> dict[str, str]:
    """The environment of a worker for the case of that id: whatever it keeps goes with the run's `scratch`.

    `side` is one of two versions of the code, which share nothing that either has computed.
    """
    temporary = scratch / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "CLAIMBENCH_TRAINED": str(scratch / "trained" / side),
        "HF_HUB_OFFLINE": "1",
        "TMPDIR": str(temporary),
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor" / hashlib.sha256(case.encode()).hexdigest()[:16]),
    }


def _call(connection: Connection, spec: Json) -> None:
    try:
        answer = {"ok": spec["function"](*spec["arguments"])}
    except Exception as error:
        answer = failures.failure(error)
    with contextlib.suppress(BrokenPipeError):  # Whoever asked is gone.
        connection.send_bytes(json.dumps(answer).encode())
