"""A run's own folder goes with the run, and one that a killed run left goes with the next."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness import scratch
from harness.errors import BadInput

HOLD = """
import sys
from harness import scratch
with scratch.folder() as place:
    print(place, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(short_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return short_path


def test_a_path_too_long_for_sockets_is_refused_before_anything_starts(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = temporary / ("x" * scratch.LONGEST)
    longer.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(longer))
    with pytest.raises(BadInput, match="set TMPDIR to one of at most"), scratch.folder():
        pass
    assert list(longer.iterdir()) == []


def test_the_longest_path_that_is_allowed_has_room_for_a_socket() -> None:
    below = "/claimbench-12345678/temporary/pymp-12345678/listener-12345678"
    assert scratch.LONGEST + len(below) <= 107


def another() -> tuple[subprocess.Popen[str], Path]:
    """A process that lives in a folder of its own until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(scratch.__file__).parent.parent,
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_it_is_there_while_it_lasts(temporary: Path) -> None:
    with scratch.folder() as place:
        assert place.parent == temporary
        (place / "log").write_text("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next_and_a_living_ones_stays(temporary: Path) -> None:
    killed, left = another()
    killed.kill()
    killed.communicate()
    living, used = another()
    others = temporary / "claimbench-of-somebody"
    others.mkdir()
    try:
        assert not left.exists(), "the second process has swept it"
        with scratch.folder() as place:
            assert used.is_dir()
            assert others.is_dir(), "it has no lock, so nothing says that it was a run's"
            assert place != used
    finally:
        living.communicate("")
    assert not used.exists()
