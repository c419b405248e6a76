"""Real processes: each way to fail is an outcome, and nothing is left running."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness import slices
from harness.benchmark import discover
from harness.engines import local
from harness.engines.local import LocalEngine, Worker
from harness.errors import WorkerFailed

DECLARED = Path(__file__).parent.parent / "declared"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> LocalEngine:
    return LocalEngine(tmp_path_factory.mktemp("scratch"))


def start(
    engine: LocalEngine, variant: str, *, fresh: bool = False, environment: dict[str, str] | None = None
) -> Worker:
    group = discover(DECLARED)["faults"].groups("quick", "cpu")[0]
    (case,) = [case for case in group if case.variant == variant]
    spec = {
        "case": case.as_json(),
        "benchmarks": str(DECLARED),
        "seed": 0,
        "memory_limit": 8 * 2**30,
        "environment": environment or {"PLANTED": "yes"},
    }
    return engine.start(spec, fresh=fresh)


@pytest.fixture
def plain(engine: LocalEngine) -> Iterator[Worker]:
    worker = start(engine, "plain")
    yield worker
    worker.close()


def test_a_worker_builds_warms_up_and_times(plain: Worker) -> None:
    assert plain.answer(60)["samples"] == 4
    assert plain.ask("warm_up", 60, seconds=0.1)["first_step"] > 0
    seconds = plain.ask("block", 60, steps=5)["seconds"]
    assert len(seconds) == 5
    assert all(value > 0 for value in seconds)


def test_a_worker_s_collections_leave_alone_what_was_imported(engine: LocalEngine) -> None:
    """Each took 0.2 s, and copied the pages of torch."""
    assert engine.call(gc.get_freeze_count, 60) > 100_000  # type: ignore[arg-type]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_start_is_whole_before_it_is_interrupted(
    engine: LocalEngine, plain: Worker, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    """Half a message had the warm process end with a traceback on the terminal."""
    order: list[str] = []

    class Process:
        pid, sentinel = 0, 0

        def __init__(self, **_: object) -> None:
            pass

        def start(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            order.append("started")

    plain.answer(60)
    context = "_fresh" if fresh else "_warm"
    pipe = getattr(engine, context).Pipe
    monkeypatch.setattr(engine, context, SimpleNamespace(Pipe=pipe, Process=Process))
    before = signal.signal(signal.SIGTERM, lambda *_: order.append("heard"))
    try:
        start(engine, "plain", fresh=fresh)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert order == ["started", "heard"]


def test_memory_flops_and_quality_answer(plain: Worker) -> None:
    plain.answer(60)
    plain.ask("warm_up", 60, seconds=0.0)
    found = plain.ask("memory", 60)
    assert found["memory"]["weights"] == 288
    assert found["memory"]["peak"] >= found["memory"]["resident"] > 0
    assert found["host"]["peak_rss"] > 0
    assert plain.ask("flops", 60)["flops"] > 0
    assert plain.ask("quality", 60)["quality"]["value"] == 1.0


@pytest.mark.parametrize("fresh", [False, True])
def test_what_a_killed_worker_leaves_goes_with_the_run(
    engine: LocalEngine, tmp_path: Path, fresh: bool
) -> None:
    worker = start(engine, "killed", fresh=fresh, environment=local.environment(tmp_path, "a case"))
    worker.answer(60)
    with pytest.raises(WorkerFailed, match="SIGKILL"):
        worker.ask("warm_up", 60, seconds=0.0)
    assert len(list(tmp_path.glob("temporary/left-*"))) == 1


@pytest.mark.parametrize(
    ("variant", "outcome", "says"),
    [
        ("killed", "crashed: SIGKILL", "ended with SIGKILL"),
        ("raises", "crashed: ValueError", "planted: shapes do not match"),
        ("imports", "unsupported: needs a_library_that_nobody_has", "a_library_that_nobody_has"),
        ("too-much", "out-of-memory", "allocate"),
    ],
)
def test_a_failing_step_is_an_outcome(engine: LocalEngine, variant: str, outcome: str, says: str) -> None:
    worker = start(engine, variant)
    worker.answer(60)
    with pytest.raises(WorkerFailed, match=says) as failed:
        worker.ask("warm_up", 60, seconds=0.1)
    assert failed.value.outcome.startswith(outcome)
    worker.close()
    assert not psutil.pid_exists(worker.pid)


def test_a_hang_is_a_timeout_and_ends(engine: LocalEngine) -> None:
    worker = start(engine, "hangs")
    worker.answer(60)
    with pytest.raises(WorkerFailed, match="warm_up took over 1 s") as failed:
        worker.ask("warm_up", 1, seconds=0.1)
    assert failed.value.outcome == "timeout"
    assert not psutil.pid_exists(worker.pid)


def test_a_fresh_interpreter_does_the_same(engine: LocalEngine) -> None:
    worker = start(engine, "plain", fresh=True)
    assert worker.answer(60)["samples"] == 4
    worker.close()


def test_a_call_brings_a_fact_home_or_says_why_not(engine: LocalEngine) -> None:
    assert engine.call(process_facts, 60)["threads"] == 1
    with pytest.raises(WorkerFailed, match="no such fact"):
        engine.call(no_fact, 60)


def process_facts() -> dict[str, int]:
    """Of a worker before it has worked: a fork of a process with threads would lose them."""
    return {
        "threads": psutil.Process().num_threads(),
        "parent_threads": psutil.Process(os.getppid()).num_threads(),
    }


def no_fact() -> dict[str, int]:
    raise LookupError("no such fact")


def test_the_warm_process_has_one_thread_and_no_device(engine: LocalEngine) -> None:
    assert engine.call(process_facts, 60)["parent_threads"] == 1


def test_a_worker_can_be_stopped_in_a_step_and_go_on(plain: Worker) -> None:
    plain.answer(60)
    plain.begin("warm_up", seconds=0.5)
    plain.stop()
    process = psutil.Process(plain.pid)
    while process.status() != psutil.STATUS_STOPPED:
        assert not plain.ready(0.01), "it was not stopped"
    assert not plain.ready(0.7)
    plain.go_on()
    assert plain.answer(60, "warm_up")["first_step"] > 0


def test_two_workers_take_turns_within_their_steps(
    engine: LocalEngine, plain: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start(engine, "plain")
    stops: list[Worker] = []
    stop = Worker.stop
    monkeypatch.setattr(Worker, "stop", lambda worker: (stops.append(worker), stop(worker)))
    try:
        for one in (plain, other):
            one.answer(60)
            one.ask("warm_up", 60, seconds=0.0)
        found = slices.visits([(plain, 20_000), (other, 20_000)], 0.01, 60)
        assert all(isinstance(seconds, float) and seconds > 0 for seconds in found), found
        assert {plain, other} <= set(stops)
        for one in (plain, other):
            assert len(one.ask("block", 60, steps=2)["seconds"]) == 2, "not stopped, and nothing left unread"
    finally:
        other.close()


def test_a_stopped_worker_that_is_closed_ends(plain: Worker) -> None:
    plain.answer(60)
    plain.stop()
    plain.kill()
    assert not psutil.pid_exists(plain.pid)


RUNNER = """
import sys, time
from pathlib import Path
from tests.engines.test_local import LocalEngine, start
if __name__ == "__main__":
    engine = LocalEngine(Path(sys.argv[1]))
    worker = start(engine, "hangs")
    worker.answer(60)
    if "stopped" in sys.argv:
        worker.stop()
    print(worker.pid, flush=True)
    worker.ask("warm_up", 600, seconds=0.1)
"""


@pytest.mark.parametrize("state", ["at work", "stopped"])
def test_a_killed_runner_leaves_no_worker_behind(tmp_path: Path, state: str) -> None:
    script = tmp_path / "runner.py"
    script.write_text(RUNNER)
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    runner = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), state],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env=environment,
    )
    assert runner.stdout is not None
    worker = int(runner.stdout.readline())
    runner.kill()
    runner.wait()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(worker) and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker outlived its runner"
        time.sleep(0.05)


LATE = """
from multiprocessing import Pipe
from harness import worker
worker.main(Pipe()[0], {"log": "/nowhere/worker.log"})
"""


def test_a_worker_forked_as_its_run_ends_leaves_without_a_word() -> None:
    """The run's folder is gone before it has opened its log there."""
    ended = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
