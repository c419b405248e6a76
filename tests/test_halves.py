"""Work in two processes: what each part gives comes back in order, and a failure is not lost."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest

from harness import halves
from harness.errors import BadInput

#: Newer versions of Python warn of a fork beside threads, which the tests' own runner has.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def numbered(number: int) -> tuple[int, int]:
    time.sleep(0.02)  # Time for the other process to take one too.
    return number, os.getpid()


def fails_elsewhere(here: int, error: Exception | None) -> tuple[int, int]:
    if os.getpid() == here:
        time.sleep(0.2)
    elif error is None:
        os._exit(1)
    else:
        raise error
    return 0, here


@pytest.mark.parametrize("count", [4, 20])
def test_two_processes_do_all_parts_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: True)
    found = halves.each([partial(numbered, number) for number in range(count)])
    assert [number for number, _ in found] == list(range(count))
    assert len({process for _, process in found}) <= 2
    if count == 20:
        assert len({process for _, process in found}) == 2


def test_without_a_second_core_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: False)
    found = halves.each([partial(numbered, number) for number in range(5)])
    assert found == [(number, os.getpid()) for number in range(5)]


def test_what_fails_elsewhere_fails_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: True)
    with pytest.raises(RuntimeError, match="no such font"):
        halves.each([partial(fails_elsewhere, os.getpid(), ValueError("no such font"))] * 5)
    with pytest.raises(RuntimeError, match="killed"):
        halves.each([partial(fails_elsewhere, os.getpid(), None)] * 5)


def parts_of_its_own(number: int) -> list[int]:
    time.sleep(0.02)
    return halves.each([partial(abs, -number)] * 5)


def test_the_second_process_does_parts_of_parts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves.threading, "active_count", lambda: 1)
    found = halves.each([partial(parts_of_its_own, number) for number in range(6)])
    assert found == [[number] * 5 for number in range(6)]


@pytest.mark.parametrize("error", [BadInput("line 3 is no launch"), OSError(28, "No space left on device")])
def test_bad_input_of_the_second_process_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: True)
    with pytest.raises(type(error), match=str(error.args[-1])):
        halves.each([partial(fails_elsewhere, os.getpid(), error)] * 5)


def test_what_fails_here_ends_the_second_process_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: True)
    here, start = os.getpid(), time.monotonic()

    def part() -> None:
        if os.getpid() == here:
            time.sleep(0.2)
            raise KeyboardInterrupt
        time.sleep(100)

    with pytest.raises(KeyboardInterrupt):
        halves.each([part] * 4)
    assert time.monotonic() - start < 50
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("forks", [True, False])
def test_what_is_written_beside_is_there_after(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, forks: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: forks)
    with halves.beside((tmp_path / "made").mkdir):
        pass
    assert (tmp_path / "made").is_dir()
    with pytest.raises(FileExistsError, match="made"), halves.beside((tmp_path / "made").mkdir):
        pass
    assert capfd.readouterr().err == ""
