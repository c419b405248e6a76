"""pytest-benchmark: ``pytest -p harness.adapters.pytest_benchmark benchmarks`` times the declared cases.

Each case is a test that gives its step to the ``benchmark`` fixture, with our clock for its timer, so that
its tables, JSON, compare and histogram work. All run in the process of pytest: handy, while ``harness run``
gives each variant a process of its own and is the one that judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.benchmark import PROFILES, Benchmark, declarations
from harness.errors import BadInput, Unsupported
from harness.record import Case, Json

if TYPE_CHECKING:
    from harness.worker import Measured

WARM_UP = 1.0


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("claimbench")
    group.addoption("--claimbench-profile", choices=PROFILES, default="quick", help="default: %(default)s")
    devices = ("auto", "cpu", "cuda")
    group.addoption("--claimbench-device", choices=devices, default="auto", help="default: %(default)s")


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("needs pytest-benchmark: pip install 'pytest-benchmark[histogram]'")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Files that say BENCHMARK: a folder's other files are not imported to find out."""
    if file_path.suffix != ".py" or file_path.name.startswith(("_", "test_", "conftest")):
        return None
    if "BENCHMARK" not in file_path.read_text(errors="ignore"):
        return None
    return Declarations.from_parent(parent, path=file_path)


class Declarations(pytest.File):
    """The file of a declaration, as its cases."""

    def collect(self) -> Iterator[pytest.Item]:
        from harness import clock

        device = self._device()
        timer = clock.of(device).now
        for benchmark in self._declared():
            for cases in benchmark.groups(self.config.getoption("claimbench_profile"), device):
                group = Group(benchmark, cases[0])
                for case in cases:
                    test = pytest.Function.from_parent(self, name=case.id, callobj=group.test(case))
                    test.add_marker(pytest.mark.benchmark(group=case.group, timer=timer))
                    yield test

    def _declared(self) -> list[Benchmark]:
        try:
            return list(declarations(self.path))
        except BadInput as error:
            raise self.CollectError(str(error)) from error

    def _device(self) -> str:
        from harness import torch_info

        wanted = str(self.config.getoption("claimbench_device"))
        return str(torch_info.default_device()["device"]) if wanted == "auto" else wanted


class Group:
    """The cases that share a baseline, whose results are kept for comparing the others with."""

    def __init__(self, benchmark: Benchmark, baseline: Case) -> None:
        self._benchmark = benchmark
        self._baseline = baseline
        self._expected: Json | None = None

    def test(self, case: Case) -> Any:
        """The test function of `case`. A variant that cannot run here is skipped; a wrong result fails."""

        def step(benchmark: Any) -> None:
            expected = self._results()
            measured = self._built(case)
            try:
                self._time(benchmark, measured, expected)
            finally:
                measured.job.close()

        return step

    def _built(self, case: Case) -> Measured:
        from harness.worker import Measured

        try:
            return Measured({"case": case.as_json(), "seed": 0, "environment": {}}, self._benchmark)
        except Unsupported as reason:
            pytest.skip(str(reason))

    def _results(self) -> Json:
        if self._expected is None:
            baseline = self._built(self._baseline)
            try:
                baseline.warm_up(seconds=0.0)
                self._expected = baseline.evidence()
            finally:
                baseline.job.close()
        return self._expected

    def _time(self, benchmark: Any, measured: Measured, expected: Json) -> None:
        first = measured.warm_up(seconds=WARM_UP)["first_step"]
        equality = measured.equality(to=expected)
        benchmark.extra_info.update(_described(measured), first_step=first, equality=equality)
        if equality and not equality["ok"]:
            pytest.fail(f"wrong result: {equality['message'] or _difference(equality)}")
        benchmark(measured.job.step)
        benchmark.extra_info["memory"] = measured.memory()["memory"]
        if benchmark.enabled:
            median = benchmark.stats.stats.median
            benchmark.extra_info["samples_per_second"] = measured.job.samples / median


def _described(measured: Measured) -> Json:
    case = measured.case
    return {"case": case.id, "workload": case.workload, **case.as_json(), "samples": measured.job.samples}


def _difference(equality: Json) -> str:
    return f"{equality['metric']} {equality['value']:.2g} is over {equality['tolerance']:.2g}"
