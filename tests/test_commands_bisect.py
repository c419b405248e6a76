"""`compare --bisect` on real commits, one of which does three times the work: it is the one that is named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness import cli, commands_compare
from harness.launch import Pace
from tests.test_checkouts import git
from tests.test_commands_compare import DECLARED

#: What a step does besides, in Python: real work, which whatever else the machine does slows on both sides.
WORK = DECLARED.replace(
    """        ends = time.perf_counter() + SECONDS
        while time.perf_counter() < ends:
            pass
""",
    """        for number in range(TIMES):
            number * number
""",
).replace("SECONDS = 0.0020", "TIMES = 20_000")
SLOW = WORK.replace("20_000", "60_000")
HISTORY = {"good": WORK, "a note": WORK + "# 1\n", "slower": SLOW, "a second": SLOW + "# 2\n"}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "repo"
    (folder / "bench").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for subject, text in HISTORY.items():
        (folder / "bench" / "toy.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", subject)
    monkeypatch.chdir(folder)
    quick = commands_compare.PROFILES["quick"]
    pace = Pace(rounds=3, block=0.02, lane=0.5, warm_up=0.05)
    monkeypatch.setitem(commands_compare.PROFILES, "quick", dataclasses.replace(quick, pace=pace, budget=200))
    return folder


@pytest.mark.timeout(900)  # Six processes import torch one after the other.
def test_the_commit_that_does_more_is_named_and_nothing_is_left_checked_out(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--benchmarks", "bench", "--device", "cpu", "--format", "json", "--error", "0.2"]
    code = cli.main(["compare", "--bisect", "HEAD~3", "HEAD", "toy", *given])
    found = json.loads(capsys.readouterr().out)
    assert [one["subject"] for one in found["suspects"]] == ["slower"]
    assert found["probability"] >= 0.8
    assert code == 0
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert not list((repo.parent / "cache" / "claimbench" / "checkouts").iterdir())
    assert not git(repo, "status", "--porcelain", "--untracked-files=no")
