"""pytest-benchmark, really run on a folder of declarations; its JSON is read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sleeping import declaration, technique

ROOT = Path(__file__).parents[2]
PYTEST = [sys.executable, "-m", "pytest", "-q", "--benchmark-max-time=0.2"]
PYTEST += ["-p", "harness.adapters.pytest_benchmark"]
# These tests may run in one of several processes of pytest; the pytest that they start may not think so.
ALONE = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}


class Session:
    """One run of pytest on a folder with one declaration."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        declared = folder / "benchmarks"
        declared.mkdir()
        (declared / "pause.py").write_text(technique("pause", 0.01) + declaration("").partition("\n")[2])
        (declared / "notes.py").write_text(
            "raise SystemExit('a file that declares nothing is not imported')\n"
        )
        report = folder / "report.json"
        done = subprocess.run(
            [*PYTEST, declared, "-rs", f"--rootdir={folder}", f"--benchmark-json={report}", *arguments],
            cwd=ROOT,
            env=ALONE,
            capture_output=True,
            text=True,
        )
        self.output = done.stdout + done.stderr
        self.code = done.returncode
        self.report: dict[str, dict[str, Any]] = {}
        if report.is_file() and report.stat().st_size:
            self.report = {each["name"]: each for each in json.loads(report.read_text())["benchmarks"]}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(
        tmp_path_factory.mktemp("pytest"), f"--benchmark-histogram={tmp_path_factory.mktemp('h')}/h"
    )


def test_outcomes(session: Session) -> None:
    """The baseline, the sleeping and the compiling one are timed; one cannot run, one is wrong."""
    assert "1 failed, 3 passed, 1 skipped" in session.output
    assert session.code == 1


def test_what_cannot_run_is_skipped_with_the_line_that_mends_it(session: Session) -> None:
    assert "needs a-package-nobody-has: pip install 'a-package-nobody-has'" in session.output


def test_a_wrong_result_fails_and_has_no_time(session: Session) -> None:
    assert "wrong result: relative L2" in session.output
    assert "pause/toy-train@cpu#wrong" not in session.report


def test_json_has_the_times_and_what_they_are_of(session: Session) -> None:
    row = session.report["pause/toy-train@cpu#sleep"]
    assert 0.01 < row["stats"]["median"] < 0.05
    assert row["group"] == "pause/toy-train@cpu"
    assert row["options"]["timer"] == "now"
    info = row["extra_info"]
    assert (info["case"], info["variant"], info["baseline"]) == ("pause/toy-train@cpu#sleep", "sleep", "none")
    assert info["samples"] == 4
    assert info["samples_per_second"] == pytest.approx(4 / row["stats"]["median"])
    assert info["equality"]["ok"]
    assert info["memory"]["peak"] > 0
    assert info["first_step"] >= 0.01


def test_histogram(session: Session) -> None:
    assert "Generated histogram" in session.output


def test_one_variant_alone_is_still_compared_with_its_baseline(tmp_path: Path) -> None:
    session = Session(tmp_path, "-k", "wrong")
    assert "1 failed, 4 deselected" in session.output
    assert "wrong result" in session.output


def test_a_declaration_that_does_not_import_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("BENCHMARK = Benchmark()\n")
    done = subprocess.run(
        [*PYTEST, f"--rootdir={tmp_path}", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "does not import: NameError: name 'Benchmark' is not defined" in done.stdout
    assert "Traceback" not in done.stdout
