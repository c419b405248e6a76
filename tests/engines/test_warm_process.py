"""A warm process forks, tells how its children ended, and goes at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import psutil
import pytest

from harness.benchmark import discover
from harness.engines import warm_process
from harness.engines.warm_process import HERE, ForkedProcess, Side, WarmProcess
from harness.errors import BadInput

DECLARED = Path(__file__).parent.parent / "declared"


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[WarmProcess]:
    process = WarmProcess(Side("here", sys.executable, HERE), tmp_path / "log", warm=False)
    process.read()  # What it can do.
    yield process
    process.close()


def fork(parent: WarmProcess) -> ForkedProcess:
    """A child that has nothing to do but to fail: there is no such function."""
    ours, theirs = Pipe()
    with ours, theirs:
        return ForkedProcess(parent.ask({"call": "nothing", "arguments": []}, theirs)["pid"], parent)


def test_a_child_is_reaped_with_its_exit_code(warm: WarmProcess) -> None:
    child = fork(warm)
    child.join(30)
    assert child.exitcode is not None
    assert not psutil.pid_exists(child.pid)
    child.release()


def test_a_child_that_has_been_killed_says_by_what(warm: WarmProcess, tmp_path: Path) -> None:
    case = discover(DECLARED)["toy"].groups("quick", "cpu")[0][0].as_json()
    spec = {
        "case": case,
        "benchmarks": str(DECLARED),
        "seed": 0,
        "environment": {},
        "log": str(tmp_path / "own"),
    }
    ours, theirs = Pipe()
    with ours, theirs:  # It builds, and then waits for what it is asked.
        child = ForkedProcess(warm.ask({"spec": spec}, theirs)["pid"], warm)
        child.kill()
        child.join(30)
    assert child.exitcode == -signal.SIGKILL
    child.release()


def test_it_goes_at_once(warm: WarmProcess) -> None:
    child = fork(warm)
    me = psutil.Process(child.pid).parent()
    assert me
    warm.close()
    assert not me.is_running()
    child.release()


def test_an_interpreter_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="old: cannot start /nowhere/python"):
        WarmProcess(Side("old", "/nowhere/python", HERE), tmp_path / "log", warm=True)


def laid_out(turn: int, log: Path) -> tuple[str, str]:
    """Where a warm process has its heap and its stack, and from what its hashes begin."""
    process = WarmProcess(Side("here", sys.executable, HERE), log, warm=False, turn=turn)
    try:
        process.read()
        of = Path(f"/proc/{process._process.pid}")
        maps = [line for line in of.joinpath("maps").read_text().splitlines() if line.endswith("[heap]")]
        environment = of.joinpath("environ").read_text().split("\0")
        return maps[0].split("-")[0], next(one for one in environment if one.startswith("PYTHONHASHSEED"))
    finally:
        process.close()


def test_two_sides_of_a_turn_have_one_layout_of_memory_and_the_same_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    assert laid_out(1, tmp_path / "log") == laid_out(1, tmp_path / "log")
    assert laid_out(2, tmp_path / "log")[1] == "PYTHONHASHSEED=2"


def test_what_else_is_started_has_the_layout_that_it_gets() -> None:
    before = warm_process._personality(0xFFFFFFFF)
    with warm_process._laid_out(True):
        assert warm_process._personality(0xFFFFFFFF) == before | warm_process.ADDR_NO_RANDOMIZE
    assert warm_process._personality(0xFFFFFFFF) == before


def test_where_a_layout_cannot_be_asked_for_it_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that forbids personality(2)."""
    asked: list[int] = []

    def refused(value: int) -> int:
        asked.append(value)
        return -1

    monkeypatch.setattr(warm_process, "_personality", refused)
    process = WarmProcess(Side("here", sys.executable, HERE), tmp_path / "log", warm=False, turn=1)
    try:
        assert process.read()
    finally:
        process.close()
    assert asked == [0xFFFFFFFF], "what could not be read is not set"
