"""The command line as a stranger meets it: help, lists, bad input. Each call is a real process."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness import cli, examples, plan, session
from harness.errors import BadInput
from harness.store import Journal

ROOT = Path(__file__).parent.parent
DECLARED = str(ROOT / "tests" / "declared")


def call(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COLUMNS": "160"}
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


@pytest.mark.parametrize("arguments", [["--help"], *[[name, "--help"] for name in examples.EXAMPLES]])
def test_help_says_what_to_type_next(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.returncode == 0
    assert "usage: python -m harness" in done.stdout
    assert "\n  python -m harness " in done.stdout
    assert not done.stderr


def test_ctrl_c_when_all_is_said_changes_nothing() -> None:
    """It came as the interpreter left, which was killed by it then."""
    late = "import atexit, os, signal, sys; atexit.register(os.kill, os.getpid(), signal.SIGINT)"
    command = f"{late}; sys.argv[1:] = ['list', 'control']; from harness.__main__ import run; run()"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "control" in done.stdout


@pytest.mark.parametrize("line", [line for lines in examples.EXAMPLES.values() for line, _ in lines])
def test_what_help_says_to_type_is_taken(line: str) -> None:
    assert cli._parser().parse_args(shlex.split(line)).command


def test_list_names_every_technique_with_its_variants() -> None:
    done = call("list", "--format", "json")
    assert done.returncode == 0
    listed = {row["technique"]: row for row in json.loads(done.stdout)}
    assert {"mixed-precision", "checkpointing", "compile", "streaming"} <= listed.keys()
    assert listed["mixed-precision"]["variants"]["tf32"]["missing"] == "needs CUDA"


def test_list_as_a_table_fits_a_terminal() -> None:
    done = call("list")
    assert "checkpointing" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 160
    assert " 0 cases on" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "mixed-precison"], "did you mean mixed-precision"),
        (["run", "checkpointing:fll+compile:default"], "did you mean full"),
        (["run", "mixed-precision:bf16+mixed-precision:fp16"], "both set the precision"),
        (["run", "--budget", "soon"], "'soon' is no time; write 90s, 10m or 1h30m"),
        (["run", "--memory-limit", "big"], "'big' is no size; write 512M or 8G"),
        (["run", "--benchmarks", "nowhere"], "no folder nowhere"),
        (["run", "--profile", "hasty"], "invalid choice: 'hasty'"),
        (["run", "--resume", "nowhere"], "no run.json"),
        (["run", "control", "--resume"], "leave out: control"),
        (["judge", "nowhere"], "no run.json"),
        (["judge", "--out", "nowhere"], "start one with: python -m harness run"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["judge", "--claims", "nowhere.toml"], "nowhere.toml"),
        (["readme", "--file", "nowhere.md"], "cannot read nowhere.md"),
        (["readme", "--file", "plain.md"], "plain.md has no place for results; add two lines: <!--"),
    ],
)
def test_what_is_asked_beside_a_run_is_checked_too(arguments: list[str], says: str, tmp_path: Path) -> None:
    info = {"profile": "quick", "device": "cpu", "plan": {"groups": []}}
    Journal.create(tmp_path / "results", "machine", info).close()
    (tmp_path / "plain.md").write_text("no markers\n")
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_declaration_that_does_not_import_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    done = call("list", "--benchmarks", str(tmp_path))
    assert done.returncode == 2
    assert "broken.py does not import: ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("phase='train'", "control: each cell names a model and a phase; {'phase': 'train'} does not"),
        ("model='gpt2'", "each cell names a model and a phase"),
        ("model='gpt3', phase='train'", "control/gpt3-train@cpu: no model 'gpt3'; did you mean gpt2"),
        ("model='gpt2', phase='train', bach=3", "no parameter of gpt2 'bach'; did you mean batch?"),
        ("model='gpt2', phase='train', size='huge'", "no size of gpt2 'huge'; did you mean large?"),
    ],
)
def test_a_declaration_with_a_slip_is_said_and_not_measured(cell: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from harness.benchmark import Benchmark, grid\n"
        f"BENCHMARK = Benchmark(technique='control', quick=grid({cell}))\n"
    )
    with pytest.raises(BadInput) as caught:
        plan.make([], "quick", "cpu", tmp_path)
    assert says in str(caught.value)
    listed = call("list", "--benchmarks", str(tmp_path))
    assert (listed.returncode, listed.stdout) == (2, "")
    assert says in listed.stderr
    assert len(listed.stderr.splitlines()) == 1


@pytest.mark.parametrize("written", ["--page", "--out"])
def test_a_folder_that_cannot_be_written_is_one_line(written: str, tmp_path: Path) -> None:
    info = {"profile": "quick", "device": "cpu", "names": [], "plan": {"groups": []}}
    Journal.create(tmp_path / "results", "machine", info).close()
    (tmp_path / "file").write_text("no folder")
    command = ["report"] if written == "--page" else ["run", "control"]
    done = call(*command, written, str(tmp_path / "file" / "below"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("claimbench: ")
    assert "Not a directory" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_a_page_leads_to_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """It is written by a second process."""
    info = {"profile": "quick", "device": "cpu", "names": [], "plan": {"groups": []}}
    Journal.create(tmp_path / "results", "machine", info).close()
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "raw").write_text("no folder")
    done = call("report", "--page", "page", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("claimbench: cannot write page/raw/machine/")
    assert len(done.stderr.splitlines()) == 1


def test_a_python_without_what_it_takes_is_told_which_has_it(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ModuleNotFoundError(\"No module named 'rich'\", name='rich')\n")
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "harness", "list"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("claimbench: this Python lacks rich; use .nox/env/bin/python")
    assert len(done.stderr.splitlines()) == 1


def test_doctor_says_what_to_do_about_each_fault() -> None:
    done = call("doctor", "--format", "json")
    assert done.returncode == 0
    findings = json.loads(done.stdout)
    assert findings
    assert all(finding["do"] for finding in findings if finding["ok"] is False)


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1h30m", 5400), ("7m40s", 460)]
)
def test_times_are_read(text: str, value: float) -> None:
    assert session.seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("1024", 1024), ("1K", 1024), ("8G", 8 * 2**30), ("1.5 GiB", 3 * 2**29)]
)
def test_sizes_are_read(text: str, value: int) -> None:
    assert session.size(text) == value


@pytest.mark.parametrize(("text", "value"), [("2%", 0.02), ("0.5 %", 0.005), ("100%", 1.0)])
def test_percents_are_read(text: str, value: float) -> None:
    assert session.percent(text) == value


@pytest.mark.parametrize("text", ["", "0.01", "0%", "-1%", "101%", "nan%", "much"])
def test_what_is_no_precision_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="is no precision"):
        session.percent(text)


@pytest.mark.parametrize("text", ["", "-1s", "0", "1d", "ten"])
def test_no_time_is_said(text: str) -> None:
    with pytest.raises(BadInput, match="is no time"):
        session.seconds(text)


def test_the_parser_has_a_command_for_each_thing_to_do() -> None:
    with pytest.raises(SystemExit) as done:
        cli.main(["--version"])
    assert done.value.code == 0
