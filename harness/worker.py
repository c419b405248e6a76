"""The measured process: builds one case from its seed and does as it is told, one command at a time.

One process holds one variant, so nothing of another variant is in its memory peak, its caches or its
global state. It answers JSON over a pipe; while another worker is timed it sleeps on that pipe.

A request is ``{"do": NAME, ...}``; the answer ``{"ok": {...}}`` or ``{"outcome": ..., "message": ...}``.
"""

from __future__ import annotations

import base64
import json
import math
import os
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import affinity, benchmark, clock, flops, limits, memory, parts, record, technique
from harness.benchmark import Benchmark
from harness.errors import Unsupported
from harness.record import Case, Json
from harness.workload import Job

if TYPE_CHECKING:
    import torch

#: Values kept of each tensor for comparing results: enough to catch any error, small enough for a pipe.
EVIDENCE_VALUES = 4096
NOT_FINITE = "NaN or infinity in the result"

#: Seconds of warm steps after which it is seen whether more than the thread that steps computes.
SEEN = 0.02

#: With others computing, the process has more CPU time than this many times that thread's.
ALONE = 1.1


def main(connection: Connection, spec: Json) -> None:
    """The life of a worker: `spec` has case, benchmarks (folder), seed, log, cache, memory_limit."""
    _own_process(spec)
    _die_with_runner(connection)
    try:
        measured = Measured(spec)
        answer: Json = {"ok": measured.facts()}
    except BaseException as error:
        connection.send_bytes(json.dumps(failure(error)).encode())
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
            answer = failure(error)


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
    if spec.get("memory_limit"):
        limits.set_host_limit(int(spec["memory_limit"]))


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
        lacking = technique.missing(self.variant.needs, self.case.device)
        if lacking:
            raise Unsupported(lacking)
        cache = spec["environment"].get("TORCHINDUCTOR_CACHE_DIR")
        self.cold_cache = not (cache and Path(cache).is_dir() and any(Path(cache).iterdir()))
        self.clock = clock.of(self.case.device)
        start = time.perf_counter()
        self.recipe = declared.workload(self.case, seed=spec["seed"])
        self.job: Job = self.recipe.build()
        self.build_seconds = time.perf_counter() - start
        self._alone = False
        self._spreads = True  # Until the warm-up has shown otherwise.
        self._cpu: int | None = None

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
            "hold": self.hold,
            "block": self.block,
            "evidence": self.evidence,
            "equality": self.equality,
            "memory": self.memory,
            "flops": self.flops,
            "quality": self.quality,
            "figures": self.figures,
        }
        return commands[do](**arguments)

    def warm_up(self, seconds: float) -> Json:
        """The first step, whose time holds any compiling, then steps until the level is steady.

        Steady: the last three within 10 % of each other. Ends after `seconds` all the same. Short steps then
        go on for SEEN, which is not told.
        """
        first = self.clock.block(self.job.step, 1)[0]
        self._evidence = evidence(self.job)
        steps: list[float] = []
        own, all_threads = time.thread_time(), time.process_time()
        while not _steady(steps) and sum(steps) < seconds:
            steps += self.clock.block(self.job.step, 1)
        if 0 < sum(steps) < SEEN:
            self.clock.block(self.job.step, math.ceil((SEEN - sum(steps)) / max(steps[-1], 1e-7)))
        own, all_threads = time.thread_time() - own, time.process_time() - all_threads
        self._spreads = not steps or all_threads > ALONE * own
        return {"first_step": first, "warmup": steps}

    def hold(self, turn: int | None) -> Json:
        """Steps are timed on one CPU from now on, which `turn` chooses; with None wherever they happen to be.

        {cpu}; or nothing, and nothing is held, where other threads or processes compute too, as they did in
        the warm-up, or the device does the work.
        """
        alone = self.case.device == "cpu" and not self._spreads and not getattr(self.job, "spreads", False)
        self._cpu = affinity.choose(turn) if alone and turn is not None else None
        return {} if self._cpu is None else {"cpu": self._cpu}

    def block(self, steps: int) -> Json:
        with affinity.held(self._cpu):
            return {"seconds": self.clock.block(self.job.step, steps)}

    def evidence(self) -> Json:
        """The results of the first step, which every variant starts from the same seed."""
        return {name: _encode(values) for name, values in self._evidence.items()}

    def equality(self, to: Mapping[str, Any]) -> Json:
        """Empty where another result is meant and is a number: nothing is compared."""
        if self.variant.tolerance is None:
            return {} if _finite(self._evidence) else _unequal(0.0, NOT_FINITE)
        baseline = {name: _decode(values) for name, values in to.items()}
        return equality(baseline, self._evidence, self.variant.tolerance, self.variant.gradients)

    def memory(self) -> Json:
        """Steps first at the machine's view, then one step under the allocator's."""
        self._alone = True
        host = memory.host()
        return {
            "host": {"peak_rss": host["peak_rss"]},
            "memory": memory.of(self.case.device).measure(self.job),
        }

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

    def quality(self) -> Json:
        if self.recipe.quality is None:
            raise Unsupported(f"{self.case.workload} states no quality to compare")
        return {"quality": self.recipe.quality(self.job)}


def _steady(steps: list[float]) -> bool:
    last = steps[-3:]
    return len(last) == 3 and max(last) <= 1.1 * min(last)


def evidence(job: Job) -> dict[str, torch.Tensor]:
    """An evenly spaced sample of each result, as float32 on the host."""
    return {name.replace("_orig_mod.", ""): _sample(tensor) for name, tensor in job.evidence().items()}


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    """With NaN as its first value if any value is not finite, sampled or not."""
    flat = tensor.detach().reshape(-1)
    stride = max(1, -(-flat.numel() // EVIDENCE_VALUES))
    # Cloned: the next step overwrites what it was taken from.
    sample = flat[::stride].float().cpu().clone()
    # The extremes, which NaN is both of, need no memory: this is before the peak of a process is read.
    if len(sample) and not all(bool(value.isfinite()) for value in flat.aminmax()):
        sample[0] = float("nan")
    return sample


def equality(
    baseline: Mapping[str, torch.Tensor],
    variant: Mapping[str, torch.Tensor],
    tolerance: float,
    gradients: float | None = None,
) -> Json:
    """The relative L2 difference of the loss or output, or of all gradients together, nearer to its limit.

    Gradients are taken as one vector: that of a single bias may be all rounding. Their limit is `gradients`,
    or `tolerance` too.
    """
    if baseline.keys() != variant.keys():
        odd = sorted(baseline.keys() ^ variant.keys())
        return _unequal(tolerance, f"results differ in kind: {', '.join(odd[:3])}")
    if any(baseline[name].shape != variant[name].shape for name in baseline):
        return _unequal(tolerance, "results differ in shape")
    if not _finite(variant):
        return _unequal(tolerance, NOT_FINITE)
    heads = [name for name in baseline if name in ("loss", "output")]
    rest = [name for name in baseline if name not in heads]
    pairs = [(heads, tolerance), (rest, tolerance if gradients is None else gradients)]
    found = [(_relative(baseline, variant, names), limit) for names, limit in pairs if names]
    value, limit = max(found, key=lambda one: one[0] / max(one[1], 1e-30))
    return {"metric": "relative L2", "value": value, "tolerance": limit, "ok": value <= limit, "message": ""}


def _finite(results: Mapping[str, torch.Tensor]) -> bool:
    return all(bool(values.isfinite().all()) for values in results.values())


def _relative(
    baseline: Mapping[str, torch.Tensor], variant: Mapping[str, torch.Tensor], names: list[str]
) -> float:
    import torch

    expected = torch.cat([baseline[name].reshape(-1) for name in names])
    found = torch.cat([variant[name].reshape(-1) for name in names])
    norm = float(expected.norm())
    difference = float((found - expected).norm())
    return difference / norm if norm else float(difference > 0)


def _unequal(tolerance: float, message: str) -> Json:
    return {"metric": "relative L2", "value": None, "tolerance": tolerance, "ok": False, "message": message}


def _encode(values: torch.Tensor) -> str:
    return base64.b64encode(values.numpy().tobytes()).decode()


def _decode(text: str) -> torch.Tensor:
    import torch

    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)


def failure(error: BaseException) -> Json:
    """The outcome that an exception stands for, with a message of one line and where it came from."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:500]
    return {"outcome": outcome(error, text), "message": f"{text} ({_where(error)})"}


def outcome(error: BaseException, text: str) -> str:
    if isinstance(error, Unsupported):
        return record.unsupported(text)
    if isinstance(error, MemoryError) or _is_allocation(error):
        return record.OUT_OF_MEMORY
    if isinstance(error, ImportError) and error.name:
        package = error.name.partition(".")[0]
        newer = "" if package == error.name else "-U "  # The package is there, but not this part of it.
        return record.unsupported(f"needs {error.name}: pip install {newer}{package}")
    return record.crashed(type(error).__name__)


def _is_allocation(error: BaseException) -> bool:
    """torch.OutOfMemoryError on a device; on the host a RuntimeError that only its words tell apart."""
    said = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)
    )


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"
        if frames
        else "no frame"
    )
