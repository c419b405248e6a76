"""`compare` as it is typed: real commits of a small repository, one of them a fifth slower."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from harness import cli, commands_compare, comparing, store
from harness.launch import Pace
from harness.settings import Settings
from tests.test_checkouts import git

ROOT = Path(__file__).parent.parent

DECLARED = """
import time
from harness.benchmark import Benchmark, grid
from harness.technique import Technique, Variant
from harness.workload import Workload

SECONDS = 0.0020

def make(phase, device, seed):
    import torch

    def forward(model, batch):
        ends = time.perf_counter() + SECONDS
        while time.perf_counter() < ends:
            pass
        return model(batch["x"])

    return Workload(
        model="toy", phase=phase, samples=4, device=device, seed=seed, forward=forward,
        make_model=lambda: torch.nn.Linear(8, 8), make_batches=lambda: [{"x": torch.randn(4, 8)}],
    )

BENCHMARK = Benchmark(
    name="toy",
    make=make,
    quick=grid(model="toy", phase="infer"),
    technique=Technique(
        name="toy", says="waits", stage="control", baseline="once", variants={"once": Variant()}
    ),
)
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """good, no change, slower, no change."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "repo"
    (folder / "bench").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    slow = DECLARED.replace("0.0020", "0.0030")
    texts = {"good": DECLARED, "a note": DECLARED + "# 1\n", "slower": slow, "another": slow + "# 2\n"}
    for subject, text in texts.items():
        (folder / "bench" / "toy.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", subject)
    monkeypatch.chdir(folder)
    quick = commands_compare.PROFILES["quick"]
    pace = Pace(rounds=3, block=0.02, lane=1.0, warm_up=0.05)
    small = dataclasses.replace(quick, pace=pace, launches=(4, 4), budget=120)
    monkeypatch.setattr(comparing, "MOST", 6)
    monkeypatch.setitem(commands_compare.PROFILES, "quick", small)
    return folder


def compare(*arguments: str) -> int:
    return cli.main(["compare", "--benchmarks", "bench", "--device", "cpu", *arguments])


def test_a_slower_commit_is_found_and_fails_the_check(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("HEAD~3", "HEAD", "--format", "json", "--fail-on", "slower:5%") == 1
    shown = capsys.readouterr()
    (case,) = json.loads(shown.out)["cases"]
    assert case["case"] == "toy/toy-infer@cpu#once"
    assert case["time"]["verdict"] == "slower"
    assert case["results"]["verdict"] == "identical"
    assert "fail-on: toy/toy-infer@cpu#once: time slower" in shown.err
    (folder,) = (repo / "results").glob("*/compare/*")
    assert cli.main(["compare", str(folder), "--format", "markdown"]) == 0
    assert "slower" in capsys.readouterr().out
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert not list((repo.parent / "cache" / "claimbench" / "checkouts").iterdir())


@pytest.mark.parametrize(("profile", "fewest"), [("quick", 3), ("standard", 5)])
def test_a_case_is_measured_until_it_is_told_as_far_as_the_time_goes(profile: str, fewest: int) -> None:
    options = argparse.Namespace(profile=profile, timeout="5m", budget=None)
    assert commands_compare.settings(options).launches == (fewest, comparing.MOST)


@pytest.mark.parametrize(("given", "precision"), [([], comparing.PRECISION), (["--precision", "1%"], 0.01)])
def test_the_precision_is_the_one_asked_for(
    repo: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], precision: float
) -> None:
    asked = []

    def measure(pair: object, journal: object, settings: Settings, progress: object) -> bool:
        asked.append(settings.precision)
        return True

    monkeypatch.setattr(comparing, "measure", measure)
    assert compare("HEAD~1", "HEAD", *given) == 0
    assert asked == [precision]


#: As `repo` has it, for a process of its own that can be killed.
SMALL = """
import dataclasses, sys
from harness import cli, commands_compare, comparing
from harness.launch import Pace
comparing.MOST = 4
quick = commands_compare.PROFILES["quick"]
pace = Pace(rounds=3, block=0.02, lane=0.5, warm_up=0.05)
commands_compare.PROFILES["quick"] = dataclasses.replace(quick, pace=pace, launches=(4, 4), budget=30)
sys.exit(cli.main(["compare", "--benchmarks", "bench", "--device", "cpu", *sys.argv[1:]]))
"""


def test_a_killed_comparison_goes_on_and_neither_loses_nor_repeats_a_launch(repo: Path) -> None:
    command = [sys.executable, "-c", SMALL, "HEAD~3", "HEAD"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def lines() -> list[bytes]:
        return [line for one in repo.glob("results/*/compare/*/records.jsonl") for line in one.open("rb")]

    while len(lines()) < 2:
        assert begun.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    begun.kill()
    begun.wait()
    kept = lines()
    (folder,) = repo.glob("results/*/compare/*")
    assert store.read(folder).info["finished"] is None
    others = [*command[:3], "HEAD~2", "HEAD", "--resume", str(folder)]
    refused = subprocess.run(others, env=environment, capture_output=True, text=True, timeout=240)
    assert refused.returncode == 2, refused.stderr
    was, now = (git(repo, "rev-parse", name)[:10] for name in ("HEAD~3", "HEAD~2"))
    assert f"HEAD~3 was commit {was}, and HEAD~2 is commit {now} now" in refused.stderr.splitlines()[-1]
    assert lines() == kept
    again = [*command, "--resume", str(folder), "--format", "json"]
    done = subprocess.run(again, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["cases"]) == 1
    assert lines()[: len(kept)] == kept
    made = Counter((one["kind"], one["launch"]) for one in store.read(folder).launches)
    assert set(made.values()) == {1}
    assert sum(kind == "time" for kind, _ in made) > sum(b'"kind": "time"' in line for line in kept)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["HEAD~1", "nobody"], "'nobody' is neither a stored run nor a commit"),
        (["HEAD"], "compared with what?"),
        ([], "two stored runs, two commits, or --python twice"),
        (["HEAD~1", "HEAD", "--fail-on", "slower:much"], "--fail-on"),
        (["HEAD~1", "HEAD", "--precision", "0"], "'0' is no precision; write 1% or 0.5%"),
        (["--python", sys.executable], "--python is given twice"),
        (["--python", "/nowhere", "--python", sys.executable], "no such interpreter"),
        (["--bisect", "HEAD", "HEAD~1", "toy"], "no ancestor"),
        (["--bisect", "HEAD~1", "HEAD", "toy", "--error", "2"], "a chance between"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    repo: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert compare(*arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert len(shown.err.splitlines()) == 1
    assert not shown.out
    assert not (repo / "results").exists()


def test_an_environment_without_torch_says_what_to_install(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import venv

    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    assert compare("--python", str(tmp_path / "bare"), "--python", sys.executable) == 2
    assert "-m pip install" in capsys.readouterr().err
    assert not (repo / "results").exists()
