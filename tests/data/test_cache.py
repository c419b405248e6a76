"""The cache of made things: read back, mended, shared by processes, and done without where it must be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data import _cache


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, beside a temporary folder that is empty too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "cache" / "claimbench"


def read(folder: Path) -> int:
    return int((folder / "number").read_text())


def write(folder: Path, number: int) -> None:
    (folder / "number").write_text(str(number))


def making(number: int) -> tuple[list[int], Callable[[], int]]:
    made: list[int] = []

    def make() -> int:
        made.append(number)
        return number

    return made, make


def test_makes_once_and_then_reads(home: Path) -> None:
    made, make = making(7)
    assert [_cache.cached("seven", make, read, write) for _ in range(2)] == [7, 7]
    assert made == [7]
    assert read(home / "seven") == 7


def test_damaged_is_made_again_and_mended(home: Path) -> None:
    _, make = making(7)
    _cache.cached("seven", make, read, write)
    (home / "seven" / "number").write_text("sev")
    assert _cache.cached("seven", make, read, write) == 7
    assert read(home / "seven") == 7


def test_falls_back_to_the_temporary_folder(home: Path, tmp_path: Path) -> None:
    home.parent.write_text("a file where the cache should be")
    made, make = making(7)
    assert [_cache.cached("seven", make, read, write) for _ in range(2)] == [7, 7]
    assert made == [7]
    assert [read(place / "seven") for place in (tmp_path / "tmp").iterdir()] == [7]


def test_does_without_where_nothing_can_be_written(home: Path, tmp_path: Path) -> None:
    home.parent.write_text("a file")
    (tmp_path / "tmp").rmdir()
    (tmp_path / "tmp").write_text("a file")
    made, make = making(7)
    assert [_cache.cached("seven", make, read, write) for _ in range(2)] == [7, 7]
    assert made == [7, 7]


def test_a_write_that_fails_leaves_nothing(home: Path, tmp_path: Path) -> None:
    def full(folder: Path, number: int) -> None:
        write(folder, number)
        raise OSError("no space left on device")

    assert _cache.cached("seven", lambda: 7, read, full) == 7
    assert list(home.iterdir()) == []


def test_what_another_process_finished_first_stays(home: Path) -> None:
    def make() -> int:
        (home / "seven").mkdir(parents=True)
        write(home / "seven", 8)
        return 7

    assert _cache.cached("seven", make, read, write) == 7
    assert read(home / "seven") == 8
    assert [folder.name for folder in home.iterdir()] == ["seven"]


def test_processes_at_once_get_the_same_tokens(home: Path) -> None:
    script = (
        "import hashlib; from harness.data import text;"
        "print(hashlib.sha256(text.tokens(300).ids.tobytes()).hexdigest())"
    )
    root = str(Path(__file__).parents[2])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=root,
            env={**os.environ, "XDG_CACHE_HOME": str(home.parent)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = {process.communicate(timeout=120)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(said) == 1
    assert len(list(home.iterdir())) == 1
