"""asv: each declaration as a class of the kind it looks for, over workloads x variants.

``benchmarks/__init__.py`` puts them where asv finds them, and uses nothing of ours but ``classes``, so that
the benchmarks of today run on the harness of an older commit.

asv takes lower for better, whatever is tracked: throughput is therefore the time of one sample.
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness import threads
from harness.benchmark import Benchmark, declarations
from harness.errors import BadInput, Unsupported
from harness.record import Case

if TYPE_CHECKING:
    from harness.worker import Measured

F = TypeVar("F", bound=Callable[..., Any])
Cases = dict[tuple[str, str], Case]

#: Processes for each commit; asv alternates between the commits. Between processes the level of a step
#: differs by several percent, within one it hardly does, so that these count and not the samples of one.
ROUNDS = 10
#: Throughput and compile time are for the charts. Two samples a side are too few for asv to call a change,
#: where a single one would be compared by its value alone: the step's time decides.
CHARTED = 2
WARM_UP = 0.5
#: A sample is as many steps as last this long, in seconds: one short step says little.
SAMPLE = 0.02


def classes(folder: Path | str, profile: str = "quick") -> dict[str, type[Sampled]]:
    """The classes for the declarations in `folder`, by name; also makes the process ready to be forked."""
    _prepare()
    from harness import torch_info

    device = str(torch_info.default_device()["device"])
    made = (_class(benchmark, profile, device) for benchmark in _declared(Path(folder)))
    return {one.__name__: one for one in made if one.cases}


def _prepare() -> None:
    """Imports what every sample needs, once in asv's fork server; asks for the device without touching it."""
    threads.wait_asleep()
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import harness.warm  # noqa: F401


def _declared(folder: Path) -> Iterator[Benchmark]:
    """Those that this commit can read: an older one lacks the techniques of newer declarations.

    Hides no mistake: asv imports every file itself when it looks for benchmarks at the newest commit.
    """
    for path in sorted(folder.glob("[!_]*.py")):
        try:
            yield from declarations(path)
        except BadInput as error:
            print(f"left out at this commit: {error}")


def _class(benchmark: Benchmark, profile: str, device: str) -> type[Sampled]:
    """One benchmark as asv's class: workloads and variants are its parameters."""
    cases = {(_workload(c), c.variant): c for group in benchmark.groups(profile, device) for c in group}
    workloads = list(dict.fromkeys(workload for workload, _ in cases))
    variants = list(dict.fromkeys(variant for _, variant in cases))
    absent = [(w, v) for w in workloads for v in variants if (w, v) not in cases]
    body = {
        "__doc__": benchmark.says or benchmark.applied.says,
        "params": [workloads, variants],
        "param_names": ["workload", "variant"],
        "skip_params": absent,
        "benchmark": benchmark,
        "cases": cases,
        **_metrics(benchmark, cases, absent),
    }
    return type(_class_name(benchmark.name), (Sampled,), body)


def _workload(case: Case) -> str:
    return case.group.removeprefix(f"{case.benchmark}/")


def _class_name(name: str) -> str:
    """``mixed-precision`` as ``MixedPrecision``; asv reads a dash as the start of a parameter's index."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^0-9A-Za-z]+", name))


class Sampled:
    """What the classes share. asv makes one object and one process for each sample of one case."""

    #: Results of different versions are never compared: raise it when a metric comes to mean something else.
    version = "1"
    rounds = ROUNDS
    repeat = (3, 30, 0.7)
    warmup_time = 0.0
    timeout = 600.0

    benchmark: Benchmark
    cases: Cases
    measured: Measured | None = None
    steps = 0
    timer: Callable[[], float]

    def setup(self, workload: str, variant: str) -> None:
        """Builds the job at the first call; asv calls it again before every sample.

        Raises NotImplementedError, which asv takes as a skip, where the variant cannot run.
        """
        if self.measured is None:
            self.measured = self._built(self.cases[workload, variant])
            self.timer = self.measured.clock.now

    @property
    def number(self) -> int:
        """Steps in a sample. asv asks for it after `setup`, and only to time: so this is where we warm up."""
        if self.measured is None:
            return 0
        if not self.steps:
            warm = self.measured.warm_up(seconds=WARM_UP)
            self.steps = _steps(min(warm["warmup"]))
        return self.steps

    def _built(self, case: Case) -> Measured:
        from harness.worker import Measured

        try:
            return Measured({"case": case.as_json(), "seed": 0, "environment": {}}, self.benchmark)
        except Unsupported as reason:
            raise NotImplementedError(str(reason)) from reason


def _metrics(benchmark: Benchmark, cases: Cases, absent: list[tuple[str, str]]) -> dict[str, Any]:
    """The methods that asv is to find in the class of `benchmark`."""
    kinds = benchmark.kinds()
    found: list[Callable[..., Any]] = []
    if "time" in kinds:
        found += [time_step, track_throughput]
    if "memory" in kinds:
        found.append(track_peak_memory)
    compiled = {name for name, variant in benchmark.applied.variants.items() if variant.compiles}
    if "time" in kinds and compiled:
        others = [pair for pair in cases if pair[1] not in compiled]
        found.append(_compiling(skip_params=absent + others))
    return {method.__name__: method for method in found}


def _tracked(**attributes: Any) -> Callable[[F], F]:
    """Attributes of a method, as asv reads them."""

    def marked(method: F) -> F:
        method.__dict__.update(attributes)
        return method

    return marked


def time_step(self: Any, workload: str, variant: str) -> None:
    self.measured.job.step()


@_tracked(unit="ms/sample", rounds=CHARTED)
def track_throughput(self: Any, workload: str, variant: str) -> dict[str, Any]:
    seconds = self.measured.clock.block(self.measured.job.step, 5 * self.number)
    return _samples([round(1e3 * statistics.median(seconds) / self.measured.job.samples, 6)])


@_tracked(unit="bytes")
def track_peak_memory(self: Any, workload: str, variant: str) -> int:
    """The tensor peak of the second step, when the optimizer has its state."""
    self.measured.warm_up(seconds=0.0)
    return int(self.measured.memory()["memory"]["peak"])


def _compiling(skip_params: list[tuple[str, str]]) -> Callable[..., Any]:
    @_tracked(unit="seconds", rounds=CHARTED, skip_params=skip_params)
    def track_compile_seconds(self: Any, workload: str, variant: str) -> dict[str, Any]:
        """What the first step takes beyond a later one, with nothing compiled before."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
            warm = self.measured.warm_up(seconds=WARM_UP)
        return _samples([max(0.0, warm["first_step"] - min(warm["warmup"]))])

    return track_compile_seconds


def _steps(seconds: float) -> int:
    """How many steps of `seconds` a sample has."""
    return max(1, round(SAMPLE / max(seconds, 1e-6)))


def _samples(values: list[float]) -> dict[str, Any]:
    """A tracked value with its samples: asv then tests them as it does times, not one against one."""
    return {"samples": values, "number": 1}
