"""Workers of a side: forked, answered, killed with the rest; a side that cannot measure says so in a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.benchmark import discover
from harness.engines.elsewhere import ElsewhereEngine, SideWorker
from harness.engines.warm_process import HERE, Side
from harness.errors import BadInput, WorkerFailed

DECLARED = Path(__file__).parent.parent / "declared"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ElsewhereEngine]:
    with ElsewhereEngine(Side("here", sys.executable, HERE), tmp_path_factory.mktemp("scratch")) as found:
        yield found


def test_its_workers_wait_asleep_as_those_of_a_run_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    ElsewhereEngine(Side("here", sys.executable, HERE), tmp_path)
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def start(engine: ElsewhereEngine, variant: str) -> SideWorker:
    group = discover(DECLARED)["faults"].groups("quick", "cpu")[0]
    (case,) = [case for case in group if case.variant == variant]
    spec = {"case": case.as_json(), "benchmarks": str(DECLARED), "seed": 0, "environment": {}}
    return engine.start(spec, fresh=False)


def test_a_worker_works_and_leaves(engine: ElsewhereEngine) -> None:
    worker = start(engine, "plain")
    assert worker.answer(60)["samples"] == 4
    worker.ask("warm_up", 60, seconds=0.0)
    assert len(worker.ask("block", 60, steps=3)["seconds"]) == 3
    worker.close()
    assert not psutil.pid_exists(worker.pid)


def test_a_killed_worker_is_an_outcome_and_the_next_one_works(engine: ElsewhereEngine) -> None:
    worker = start(engine, "killed")
    worker.answer(60)
    with pytest.raises(WorkerFailed, match="ended with SIGKILL"):
        worker.ask("warm_up", 60, seconds=0.0)
    worker.close()
    test_a_worker_works_and_leaves(engine)


def test_a_hang_is_a_timeout_and_ends(engine: ElsewhereEngine) -> None:
    worker = start(engine, "hangs")
    worker.answer(60)
    with pytest.raises(WorkerFailed, match="took over"):
        worker.ask("warm_up", 0.5, seconds=0.0)
    worker.close()
    assert not psutil.pid_exists(worker.pid)


def test_a_side_tells_what_it_is_and_what_it_declares(engine: ElsewhereEngine) -> None:
    assert engine.call("facts", 60)["machine"]["libraries"]["torch"]
    groups = engine.call("plan", 60, ["toy"], "quick", "cpu", str(DECLARED))["groups"]
    assert [len(group["cases"]) for group in groups] == [2, 2]
    with pytest.raises(BadInput, match="no technique or benchmark 'nobody'"):
        engine.call("plan", 60, ["nobody"], "quick", "cpu", str(DECLARED))


@pytest.mark.parametrize(
    ("worker", "says"),
    [
        (None, "has no harness.w"),
        ("class Measured:\n    def warm_up(self): ...\n", "speaks an older protocol, without block"),
        ("import a_library_that_nobody_has\n", "lacks a_library_that_nobody_has"),
    ],
)
def test_a_commit_too_old_to_measure_says_so_in_a_line(tmp_path: Path, worker: str | None, says: str) -> None:
    root = tmp_path / "old"
    (root / "harness").mkdir(parents=True)
    (root / "harness" / "__init__.py").touch()
    if worker:
        (root / "harness" / "warm.py").touch()
        (root / "harness" / "worker.py").write_text(worker)
    engine = ElsewhereEngine(Side("v0", sys.executable, root), tmp_path / "scratch")
    with pytest.raises(BadInput, match=says):
        engine.call("facts", 60)


def test_what_a_worker_imported_is_there_before_the_next_ones_are_forked(tmp_path: Path) -> None:
    """Not more: to import all that any worker might need takes five times as long."""
    with ElsewhereEngine(Side("here", sys.executable, HERE), tmp_path) as engine:
        worker = start(engine, "plain")
        worker.answer(60)
        assert worker.ask("imported", 60, of=["torch", "transformers.modeling_utils"])["modules"] == ["torch"]
        worker.close()
        assert engine.needs <= {"torch._dynamo"}
        engine.needs.add("torch._dynamo")
        worker = start(engine, "plain")
        worker.answer(60)
        assert worker.ask("imported", 60, of=["torch._dynamo"])["modules"] == ["torch._dynamo"]
        worker.close()
