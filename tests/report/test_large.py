"""100,000 records: judging and the page within 1 GB and 10 s of processor time each.

The launches hold few samples; how many a launch has scales the time to read them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 groups of 4 variants, 50 launches each."""
    chance = random.Random(0)
    groups = [hand.group("fp32", "bf16", "fp16", "tf32", batch=n) for n in range(1, 501)]
    folder = tmp_path_factory.mktemp("large") / "machine" / "run"
    folder.mkdir(parents=True)
    info = {"schema": 1, "started": "2026-01-31T12:00", **hand.run(*groups).info}
    (folder / "run.json").write_text(json.dumps(info))
    with open(folder / "records.jsonl", "w") as journal:
        for cases in groups:
            speeds = [{case.variant: chance.uniform(0.9, 1.1) for case in cases} for _ in range(LAUNCHES)]
            for launch in hand.timed(cases, speeds):
                journal.write(json.dumps(launch) + "\n")
    return folder


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
