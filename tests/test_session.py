"""Whole runs as real processes: what fails is data, what is killed goes on, what is done stays done."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness import folders, session, store
from harness.benchmark import BENCHMARKS
from harness.settings import PROFILES

ROOT = Path(__file__).parent.parent
DECLARED = ROOT / "tests" / "declared"


def command(out: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "harness",
        "run",
        "--benchmarks",
        str(DECLARED),
        "--out",
        str(out),
        *arguments,
    ]


def run(out: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(out, *arguments), capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_the_start_is_part_of_the_budget_but_not_of_more_than_half() -> None:
    settings = PROFILES["quick"]
    assert session.left(settings, 40).budget == settings.budget - 40
    assert session.left(settings, 2 * settings.budget).budget == settings.budget / 2


def test_the_command_that_goes_on_names_declarations_of_one_s_own() -> None:
    assert session._resume(Path("a b"), BENCHMARKS) == "python -m harness run --resume 'a b'"
    assert session._resume(Path("run"), Path("my own")).endswith("--resume run --benchmarks 'my own'")


def test_every_way_to_fail_is_an_outcome_and_keeps_the_others(tmp_path: Path) -> None:
    run(tmp_path, "faults", "--timeout", "20s", "--memory-limit", "8G", "--budget", "5m")
    stored = store.read(folders.latest(tmp_path))
    outcomes: dict[str, set[str]] = {}
    for launch in stored.launches:
        for one in launch["records"]:
            outcomes.setdefault(one["variant"], set()).add(one["outcome"])
    assert outcomes["plain"] == outcomes["same"] == {"ok"}
    assert outcomes["killed"] == {"crashed: SIGKILL"}
    assert outcomes["hangs"] == {"timeout"}
    assert outcomes["raises"] == {"crashed: ValueError"}
    assert outcomes["too-much"] == {"out-of-memory"}
    assert next(iter(outcomes["lacks"])).startswith("unsupported: needs a-package-nobody-has: pip install")
    judged = subprocess.run(
        [sys.executable, "-m", "harness", "judge", str(stored.folder), "--strict", "--format", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert judged.returncode == 1, "wrong results fail --strict"
    assert {"claims", "targets"} <= json.loads(judged.stdout).keys()


def interruptible(out: Path, **environment: str) -> subprocess.Popen[str]:
    """A run in a session of its own, which hears Ctrl-C even where CI has it ignored."""
    return subprocess.Popen(
        command(out, "toy"),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def launches(out: Path) -> Counter[tuple[str, str, int]]:
    stored = store.read(folders.latest(out))
    return Counter((one["group"], one["kind"], one["launch"]) for one in stored.launches)


def lines(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in out.glob("*/*/records.jsonl"))


@pytest.mark.parametrize("finished", [0, 1, 3, 5])
def test_a_killed_run_goes_on_without_losing_or_repeating_anything(tmp_path: Path, finished: int) -> None:
    process = subprocess.Popen(
        command(tmp_path, "toy"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while lines(tmp_path) < finished or not list(tmp_path.glob("*/*/run.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = launches(tmp_path)
    journal = folders.latest(tmp_path) / store.JOURNAL
    kept = journal.read_bytes() if journal.exists() else b""
    run(tmp_path, "--resume")
    after = launches(tmp_path)
    assert set(after.values()) == {1}
    assert before.keys() <= after.keys()
    assert journal.read_bytes().startswith(kept)
    assert {kind for _, kind, _ in after} == {"memory", "time"}
    assert store.read(folders.latest(tmp_path)).info["finished"]


def test_an_interrupt_shows_what_is_done_and_the_line_that_resumes(tmp_path: Path) -> None:
    process = interruptible(tmp_path)
    while lines(tmp_path) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "python -m harness run --resume" in output
    assert "eightfold" in output
    assert "Traceback" not in output


def test_a_run_whose_files_may_not_grow_ends_in_one_line_and_goes_on_later(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    done = subprocess.run(
        command(tmp_path, "toy", "--format", "json"),
        capture_output=True,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, hard)),
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("claimbench: ")]
    assert (done.returncode, len(said)) == (2, 1), done.stderr
    assert "File too large; nothing stored before is lost. Go on with: python -m harness run" in said[0]
    assert "Traceback" not in done.stderr
    before = launches(tmp_path)
    run(tmp_path, "--resume")
    after = launches(tmp_path)
    assert before.keys() < after.keys()
    assert set(after.values()) == {1}


def test_the_answer_as_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    done = run(tmp_path, "toy", "--format", "json")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert {"claims", "targets"} <= answer.keys()
    claim = answer["claims"][0]
    assert {"id", "workload", "verdict", "value", "low", "high", "n", "reason"} <= claim.keys()


def test_a_finished_run_resumed_measures_nothing(tmp_path: Path) -> None:
    run(tmp_path, "toy")
    folder = folders.latest(tmp_path)
    before = (folder / store.JOURNAL).read_bytes()
    run(tmp_path, "--resume", str(folder))
    assert (folder / store.JOURNAL).read_bytes() == before


def test_a_run_of_another_machine_does_not_go_on_here(tmp_path: Path) -> None:
    run(tmp_path, "toy")
    folder = folders.latest(tmp_path)
    info = json.loads((folder / store.RUN).read_text())
    info["machine"]["cpu"]["flags"] = ["of another"]
    (folder / store.RUN).write_text(json.dumps(info))
    before = (folder / store.JOURNAL).read_bytes()
    done = run(tmp_path, "--resume", str(folder), code=2)
    assert "was begun elsewhere (cpu.flags: ['of another'] against" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (folder / store.JOURNAL).read_bytes() == before


def test_more_work_is_seen_as_such(tmp_path: Path) -> None:
    """No bound on time: only that eight times the work is told from once, as it must be on any machine."""
    run(tmp_path, "toy")
    stored = store.read(folders.latest(tmp_path))
    from harness import summary

    rows = {(row.case.variant, row.case.parameters["width"]): row for row in summary.summarise(stored)}
    start, end = stored.info["ceilings"], stored.info["ceilings_at_end"]
    assert start.keys() == end.keys() >= {"float32", "copy"}
    assert all(rate > 0 for rate in end.values())
    speedup = rows["eightfold", 1024].speedup
    assert speedup is not None
    assert speedup.high < 1


def test_the_runner_itself_stays_small_and_free_of_torch(tmp_path: Path) -> None:
    """Under 150 MB, or it would take from what it measures."""
    process = subprocess.Popen(
        command(tmp_path, "toy"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    runner, highest = psutil.Process(process.pid), 0
    while lines(tmp_path) < 4:
        assert process.poll() is None
        highest = max(highest, runner.memory_info().rss)
        time.sleep(0.05)
    assert not any("libtorch" in region.path for region in runner.memory_maps())
    process.kill()
    process.wait()
    assert 0 < highest < 150e6


@pytest.mark.parametrize("sent", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_a_run_that_is_told_to_end_says_how_it_goes_on(
    tmp_path: Path, short_path: Path, sent: list[signal.Signals]
) -> None:
    out = tmp_path / "out"
    process = interruptible(out, TMPDIR=str(short_path))
    while lines(out) < 1:
        assert process.poll() is None
        time.sleep(0.01)
    for number in sent:
        os.kill(process.pid, number)
        time.sleep(0.2)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "python -m harness run --resume" in output
    assert "Traceback" not in output


def test_an_interrupt_while_torch_is_imported_is_no_traceback(tmp_path: Path) -> None:
    process = interruptible(tmp_path)
    while not psutil.Process(process.pid).children():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.strip()) == (130, "")
