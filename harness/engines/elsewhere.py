"""Workers of another checkout or interpreter, for comparing two of them.

Each side has a warm process of its own (`_hub`), so that a launch costs a fork and not an import of torch.
All forks of one warm process share its memory layout and its hashes. These alone made steps of microseconds
differ by 1 to 4 % between two of them, in every launch alike; so both sides have the same, and others once
they are replaced: after RENEW workers, and before what looks like a change is measured again.
It imports what workers before it were seen to need, so that most cost 1 s to start and not 5.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harness import threads
from harness.engines import _hub, local
from harness.engines.warm_process import ForkedProcess, Side, WarmProcess
from harness.errors import BadInput, WorkerFailed
from harness.record import Json

#: A warm process is replaced after it has started so many workers. A new one takes up to 5 s, a launch 1 s.
RENEW = 128
#: What a worker must be able to do; the rest of the protocol came later and can be missed.
NEEDED = frozenset({"warm_up", "block", "evidence", "equality", "memory"})
#: Without these a worker of an older commit is still as good: it has nothing to tell.
CAN_BE_MISSED = frozenset({"figures", "flops", "free", "hold", "imported"})


class SideWorker(local.Worker):
    """As any worker; what an older commit's does not know, and can be missed, it answers with nothing."""

    def __init__(
        self,
        process: ForkedProcess,
        connection: Connection,
        log: Path,
        commands: set[str],
        needs: set[str] | None = None,
    ) -> None:
        """`needs` is told at the end what it has imported that takes long."""
        super().__init__(process, connection, log)
        self._forked = process
        self._commands = commands
        self._needs = needs
        self._own: WarmProcess | None = None

    def ask(self, command: str, limit: float, **arguments: Any) -> Json:
        if command in CAN_BE_MISSED - self._commands:
            return {}
        return super().ask(command, limit, **arguments)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # Closed before, after a failure.
            self._learn()
            super().close()
        self._forked.release()
        if self._own is not None:
            self._own.close()

    def _learn(self) -> None:
        """None of a worker that has failed."""
        if self._needs is not None:
            with contextlib.suppress(WorkerFailed):
                self._needs.update(self.ask("imported", 5, of=list(_hub.SLOW)).get("modules", ()))


class ElsewhereEngine:
    """Starts workers of one side. `scratch` holds their logs."""

    def __init__(self, side: Side, scratch: Path) -> None:
        threads.wait_asleep()  # For the processes started here, as for those of a run.
        self.side = side
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)
        self._hub: WarmProcess | None = None
        self._greeted = False
        self.needs: set[str] = set()
        """What its workers were seen to import that takes long."""
        self._imports: set[str] = set()
        self._commands: set[str] = set()
        self._forked = 0
        self._warmed = 0
        self._logs = 0

    def __enter__(self) -> ElsewhereEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.renew()

    def renew(self) -> None:
        """The next worker comes from a new warm process."""
        if self._hub is not None:
            self._hub.close()
        self._hub, self._greeted, self._forked = None, False, 0

    def prepare(self) -> None:
        """Begins to start the warm process, and does not wait: another side's can start beside it."""
        if self._hub is None:
            self._imports = set(self.needs)
            self._warmed += 1
            self._hub = WarmProcess(
                self.side, self._log, warm=True, needs=sorted(self._imports), turn=self._warmed
            )

    def start(self, spec: Json, *, fresh: bool) -> SideWorker:
        """A worker that is building `spec`. Raises WorkerFailed if the side can start none any more."""
        if self._forked >= RENEW or self.needs - self._imports:
            self.renew()
        hub = self._greet(WarmProcess(self.side, self._log, warm=False)) if fresh else self._warm()
        worker = self._fork(hub, {"spec": spec})
        worker._needs = None if fresh else self.needs
        worker._own = hub if fresh else None
        return worker

    def call(self, function: str, limit: float, *arguments: object) -> Json:
        """`function` of the hub's, in a fork. Raises BadInput with what that side says is wrong."""
        worker = self._fork(self._warm(), {"call": function, "arguments": list(arguments)})
        try:
            return worker.answer(limit, function)
        except WorkerFailed as failed:
            raise BadInput(f"{self.side.label}: {failed.message}") from None
        finally:
            worker.close()

    def _fork(self, hub: WarmProcess, request: Json) -> SideWorker:
        self._logs += 1
        log = self._scratch / f"worker-{self._logs}.log"
        if "spec" in request:
            request = {"spec": {**request["spec"], "log": str(log)}}
            self._forked += 1
        ours, theirs = _pipe()
        try:
            pid = hub.ask(request, theirs)["pid"]
        except (OSError, ValueError):
            ours.close()
            self.renew()
            raise WorkerFailed(
                "crashed: warm process", f"{self.side.label}: its warm process ended"
            ) from None
        finally:
            theirs.close()
        return SideWorker(ForkedProcess(pid, hub), ours, log, self._commands)

    @property
    def _log(self) -> Path:
        return self._scratch / "hub.log"

    def _warm(self) -> WarmProcess:
        self.prepare()
        assert self._hub is not None
        if not self._greeted:
            begun, self._hub = self._hub, None  # None again if it is refused.
            self._hub, self._greeted = self._greet(begun), True
        return self._hub

    def _greet(self, hub: WarmProcess) -> WarmProcess:
        """`hub`, when it has started. Raises BadInput, and ends it, where it cannot measure."""
        try:
            hello: Mapping[str, Any] = hub.read()
        except (OSError, ValueError):
            hub.close()
            raise BadInput(f"{self.side.label}: {self.side.python} ended at once{_last(self._log)}") from None
        if "error" in hello:
            hub.close()
            raise BadInput(f"{self.side.label} {self._lacking(hello)}")
        self._commands = set(hello["commands"])
        if NEEDED - self._commands:
            hub.close()
            lacks = ", ".join(sorted(NEEDED - self._commands))
            raise BadInput(f"{self.side.label}: its worker speaks an older protocol, without {lacks}")
        return hub

    def _lacking(self, hello: Mapping[str, Any]) -> str:
        lacks = str(hello.get("lacks") or "")
        if lacks.startswith("harness"):
            return f"has no {lacks}: it is older than what can be measured in turn"
        if lacks:
            return f"lacks {lacks}: {self.side.python} -m pip install {lacks}"
        return f"does not start: {hello['error']}"


def _pipe() -> tuple[Connection, Connection]:
    from multiprocessing import Pipe

    return Pipe()


def _last(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        return f": {lines[-1][:300]}" if lines else ""
    return ""
