"""The measured process: builds one case from its seed and does as it is told, one command at a time.

One process holds one variant, so nothing of another variant is in its memory peak, its caches or its
global state. It answers JSON over a pipe; while another worker is timed it sleeps on that pipe.

A request is ``{"do": NAME, ...}``; the answer ``{"ok": {...}}`` or ``{"outcome": ..., "message": ...}``.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harness import (
    affinity,
    benchmark,
    children,
    clock,
    compiling,
    equal,
    failures,
    flops,
    limits,
    memory,
    needs,
    parts,
)
from harness.benchmark import Benchmark
from harness.errors import Unsupported
from harness.record import Case, Json
from harness.workload import Job

#: Seconds of warm steps after which it is seen which threads compute.
SEEN = 0.02
#: A step whose busiest thread runs, or wants to, for this share of it does not sleep and waits for nobody.
AWAKE = 0.9
#: Of prctl(2), linux/prctl.h.
PR_SET_PDEATHSIG = 1


def main(connection: Connection, spec: Json) -> None:
    """The life of a worker: `spec` has case, benchmarks (folder), seed, log, cache, memory_limit."""
    try:
        _own_process(spec)
    except FileNotFoundError:
        return  # The run was ended while this worker was being forked, and its folder is gone.
    _die_with_runner(connection)
    try:
        measured = Measured(spec)
        answer: Json = {"ok": measured.facts()}
    except BaseException as error:
        connection.send_bytes(json.dumps(failures.failure(error)).encode())
        return
    while True:
        connection.send_bytes(json.dumps(answer).encode())
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return  # The runner is gone, and so is the reason to measure.
        if request["do"] == "stop":
            measured.job.close()
            return
        try:
            answer = {"ok": measured.do(**request)}
        except Exception as error:
            answer = failures.failure(error)


def _own_process(spec: Json) -> None:
    """A session of its own, so that it is killed with its children; its chatter goes to a file."""
    if os.getpid() != os.getsid(0):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which then ends its workers.
    with open(spec["log"], "ab", buffering=0) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.environ.update(spec.get("environment", {}))
    tempfile.tempdir = None  # Found anew: the warm process had another environment.
    limits.die_first()
    _die_with_parent()
    if spec.get("memory_limit"):
        limits.set_host_limit(int(spec["memory_limit"]))


def _die_with_parent() -> None:
    """On Linux, by the kernel: what is stopped cannot watch itself. A warm process ends with its runner.

    The one of multiprocessing would wait for its children to let go of the pipe that tells it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    warm: Any = forkserver._forkserver
    if warm._forkserver_alive_fd is not None:
        os.close(warm._forkserver_alive_fd)
        warm._forkserver_alive_fd = None


def _die_with_runner(connection: Connection) -> None:
    """A killed runner leaves no worker behind, not even one in the middle of a long step.

    The thread sleeps in the kernel until the other end of the pipe is gone: it takes no time from a step.
    """

    def watch() -> None:
        hang_up = select.poll()
        hang_up.register(connection.fileno(), getattr(select, "POLLRDHUP", select.POLLHUP))
        hang_up.poll()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


class Measured:
    """One built case. Each public method is a command of the runner's."""

    def __init__(self, spec: Json, declared: Benchmark | None = None) -> None:
        self.case = Case.from_json(spec["case"])
        declared = declared or benchmark.find(self.case.benchmark, benchmark.discover(spec["benchmarks"]))
        self.variant = declared.applied.variant(self.case.variant)
        lacking = needs.missing(self.variant.needs, self.case.device)
        if lacking:
            raise Unsupported(lacking)
        cache = spec["environment"].get("TORCHINDUCTOR_CACHE_DIR")
        self.cold_cache = not (cache and Path(cache).is_dir() and any(Path(cache).iterdir()))
        if self.variant.compiles and self.case.device == "cpu":
            compiling.learn_machine()
        self.clock = clock.of(self.case.device)
        start = time.perf_counter()
        self.recipe = declared.workload(self.case, seed=spec["seed"])
        self.job: Job = self.recipe.build()
        self.build_seconds = time.perf_counter() - start
        self._alone = False
        self._computing: list[int] = []
        self._places: dict[int, int] = {}

    def facts(self) -> Json:
        weights = self.job.tensors().get("weights", ())
        return {
            "samples": self.job.samples,
            "build_seconds": self.build_seconds,
            "cold_cache": self.cold_cache,
            "parameters": sum(tensor.numel() for tensor in weights),
            "parameter_bytes": memory.size(weights),
            "start_rss": memory.host()["rss"],
            "own_work": self.variant.own_work or self.variant.tolerance is None,
        }

    def do(self, do: str, **arguments: Any) -> Json:
        commands: Mapping[str, Callable[..., Json]] = {
            "warm_up": self.warm_up,
            "free": self.free,
            "hold": self.hold,
            "block": self.block,
            "evidence": self.evidence,
            "equality": self.equality,
            "memory": self.memory,
            "flops": self.flops,
            "quality": self.quality,
            "figures": self.figures,
            "imported": self.imported,
        }
        return commands[do](**arguments)

    def warm_up(self, seconds: float) -> Json:
        """The first step, whose time holds any compiling, then steps until the level is steady.

        Steady: the last three within 10 % of each other. Ends after `seconds` all the same. Short steps then
        go on for SEEN, which is not told. What was seen to do nothing but compute is `stoppable`: its time is
        that for which it was not stopped.
        """
        first = self.clock.block(self.job.step, 1)[0]
        self._evidence = equal.evidence(self.job)
        steps: list[float] = []
        begin = time.perf_counter()
        before = affinity.times()
        while not _steady(steps) and sum(steps) < seconds:
            steps += self.clock.block(self.job.step, 1)
        if 0 < sum(steps) < SEEN:
            self.clock.block(self.job.step, math.ceil((SEEN - sum(steps)) / max(steps[-1], 1e-7)))
        took = time.perf_counter() - begin
        after = affinity.times()
        self._computing = affinity.computing(before, after) if steps else []
        told = {"first_step": first, "warmup": steps, "threads": len(self._computing)}
        computes = self.case.device == "cpu" and not getattr(self.job, "spreads", False)
        if computes and steps and affinity.awake(before, after, took) > AWAKE:
            told["stoppable"] = True
        return told

    def free(self, turn: int) -> Json:
        """{turn}: the first from this one on whose CPU nobody else wants; nothing for steps on several."""
        alone = self.case.device == "cpu" and len(self._computing) == 1
        return {"turn": affinity.free(turn)} if alone else {}

    def hold(self, turn: int | None) -> Json:
        """Steps are timed on CPUs that `turn` chooses from now on; with None wherever they happen to be.

        {cpus}; or nothing, and nothing is held, where no threads were seen to compute in the warm-up or more
        than there are CPUs, child processes compute too, or the device does the work.
        """
        if turn is None or self.case.device != "cpu" or getattr(self.job, "spreads", False):
            self._places = {}
        else:
            self._places = affinity.choose(turn, self._computing)
        return {"cpus": list(self._places.values())} if self._places else {}

    def block(self, steps: int) -> Json:
        """{seconds: of the steps that are kept, took: of all}."""
        with affinity.held(self._places):
            seconds = self.clock.block(self.job.step, steps)
        return {"seconds": clock.kept(seconds), "took": sum(seconds)}

    def evidence(self) -> Json:
        """The results of the first step, which every variant starts from the same seed."""
        return {name: equal.encode(values) for name, values in self._evidence.items()}

    def equality(self, to: Mapping[str, Any]) -> Json:
        """Empty where another result is meant and is a number: nothing is compared."""
        if self.variant.tolerance is None:
            return {} if equal.finite(self._evidence) else equal.unequal(0.0, equal.NOT_FINITE)
        baseline = {name: equal.decode(values) for name, values in to.items()}
        return equal.equality(baseline, self._evidence, self.variant.tolerance, self.variant.gradients)

    def memory(self) -> Json:
        """The machine's view of the steps so far, then a step under the allocator's; and of its processes."""
        self._alone = True
        host = {"peak_rss": memory.host()["peak_rss"]}
        with children.watched() as processes:
            found = memory.of(self.case.device).measure(self.job)
        if processes.bytes:
            host["children"] = processes.bytes
        return {"host": host, "memory": found}

    def flops(self) -> Json:
        return {"flops": flops.count(self.job), "minimum_bytes": flops.minimum_bytes(self.job)}

    def figures(self) -> Json:
        """What the job itself has to tell, of the steps so far; an empty answer if nothing.

        Where memory was asked for also where a step's time goes: that launch is not timed.
        """
        tell = getattr(self.job, "figures", None)
        told = dict(tell()) if tell else {}
        if self._alone:
            told |= parts.measure(self.job, self.clock)
        return {"figures": told} if told else {}

    def imported(self, of: list[str]) -> Json:
        """Which of these modules it has imported: what to import once, before others like it are forked."""
        return {"modules": [name for name in of if name in sys.modules]}

    def quality(self) -> Json:
        if self.recipe.quality is None:
            raise Unsupported(f"{self.case.workload} states no quality to compare")
        return {"quality": self.recipe.quality(self.job)}


def _steady(steps: list[float]) -> bool:
    last = steps[-3:]
    return len(last) == 3 and max(last) <= 1.1 * min(last)
