"""100,000 records: judging and the page within 1 GB and 10 s of processor time each.

The launches hold few samples; how many a launch has scales the time to read them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness import halves, store
from harness.cli import main
from tests import handmade as hand

ROOT = Path(__file__).parents[2]
LAUNCHES = 50
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (10**9, 10**9))"
TIMED = """
import sys, time
from harness.cli import main
code = main(sys.argv[1:])
print(time.process_time(), file=sys.stderr)
sys.exit(code)
"""


def stored(folder: Path, groups: int) -> Path:
    """A run of groups of 4 variants, 50 launches each."""
    chance = random.Random(0)
    made = [hand.group("fp32", "bf16", "fp16", "tf32", batch=n) for n in range(1, groups + 1)]
    folder.mkdir(parents=True)
    info = {"schema": 1, "started": "2026-01-31T12:00", **hand.run(*made).info}
    (folder / "run.json").write_text(json.dumps(info))
    with open(folder / "records.jsonl", "w") as journal:
        for cases in made:
            speeds = [{case.variant: chance.uniform(0.9, 1.1) for case in cases} for _ in range(LAUNCHES)]
            for launch in hand.timed(cases, speeds):
                journal.write(json.dumps(launch) + "\n")
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("large") / "machine" / "run", 500)


def test_a_report_parses_each_line_where_it_is_needed_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To judge it and to show its samples, however many pages and plots show it."""
    monkeypatch.setattr(halves, "_forks", lambda: False)  # So that all of it is counted here.
    parsed: Counter[int] = Counter()
    parse = store.parsed
    monkeypatch.setattr(store, "parsed", lambda *given: (parsed.update([given[2]]), parse(*given))[1])
    folder = stored(tmp_path / "machine" / "run", 2)
    options = ["--index", "--page", str(tmp_path / "page"), "--out", str(tmp_path / "results")]
    (tmp_path / "results").mkdir()
    assert main(["report", str(folder), *options]) == 0
    assert parsed == dict.fromkeys(range(1, 2 * LAUNCHES + 1), 2)


@pytest.mark.parametrize("command", ["judge", "report"])
def test_a_large_run_is_judged_and_drawn_in_time(large: Path, tmp_path: Path, command: str) -> None:
    options = ["--format", "json"] if command == "judge" else ["--page", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", LIMIT + TIMED, command, str(large), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stderr.splitlines()[-1]) < 10
