"""Commits of a real repository as folders, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import checkouts
from harness.errors import BadInput


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for number in range(3):
        (folder / "file.txt").write_text(f"version {number}")
        git(folder, "add", "file.txt")
        git(folder, "commit", "-qm", f"commit {number}")
    return folder


def test_a_checkout_is_of_its_commit_and_gone_after(repo: Path) -> None:
    commit = checkouts.resolve(repo, "HEAD~1")
    with checkouts.checkout(repo, commit) as folder:
        assert (folder / "file.txt").read_text() == "version 1"
    assert not folder.exists()
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert (repo / "file.txt").read_text() == "version 2"


def test_it_is_gone_after_an_error_too(repo: Path) -> None:
    with pytest.raises(KeyError), checkouts.checkout(repo, checkouts.resolve(repo, "HEAD")) as folder:
        raise KeyError
    assert not folder.exists()


HOLD = """
import sys
from pathlib import Path
from harness import checkouts
with checkouts.checkout(Path(sys.argv[1]), sys.argv[2]) as place:
    print(place, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_comparison_left_goes_with_the_next(repo: Path) -> None:
    commit = checkouts.resolve(repo, "HEAD")
    killed = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(repo), commit],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(checkouts.__file__).parent.parent,
    )
    assert killed.stdout
    left = Path(killed.stdout.readline().strip())
    with checkouts.checkout(repo, commit):
        assert left.is_dir(), "it is still measured"
    killed.kill()
    killed.communicate()
    assert left.is_dir()
    with checkouts.checkout(repo, commit):
        assert not left.exists()
    assert len(git(repo, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("name", ["nobody", "--all", "", "HEAD~9"])
def test_a_commit_that_does_not_exist_is_refused(repo: Path, name: str) -> None:
    with pytest.raises(BadInput, match="neither a stored run nor a commit"):
        checkouts.resolve(repo, name)


def test_head_beside_changes_is_refused_unless_the_tree_is_named(repo: Path) -> None:
    checkouts.refuse_dirty(repo, ["HEAD~1", "HEAD"])
    (repo / "file.txt").write_text("changed")
    with pytest.raises(BadInput, match="without your uncommitted changes"):
        checkouts.refuse_dirty(repo, ["HEAD~1", "main"])
    checkouts.refuse_dirty(repo, ["HEAD", "."])
    checkouts.refuse_dirty(repo, ["HEAD~2", "HEAD~1"])


def test_commits_between_are_oldest_first(repo: Path) -> None:
    first, last = checkouts.resolve(repo, "HEAD~2"), checkouts.resolve(repo, "HEAD")
    found = checkouts.between(repo, first, last)
    assert [checkouts.subject(repo, commit) for commit in found] == ["commit 1", "commit 2"]
    with pytest.raises(BadInput, match="no ancestor"):
        checkouts.between(repo, last, first)


def test_a_folder_without_a_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BadInput, match="no git repository"):
        checkouts.repository(tmp_path)
