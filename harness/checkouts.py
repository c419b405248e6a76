"""Commits as folders: git worktrees under a cache folder, removed when they have been measured.

Those of a comparison that was killed go with the next.

A worktree shares the repository's objects, so it costs the files of one commit and no download.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness import scratch
from harness.errors import BadInput


def repository(folder: Path | str = ".") -> Path:
    """The top of the repository that `folder` is in. Raises BadInput if it is in none."""
    top = _git(Path(folder), "rev-parse", "--show-toplevel")
    if top is None:
        raise BadInput("no git repository here; commits are compared from within theirs")
    return Path(top)


def resolve(repo: Path, name: str) -> str:
    """The full hash of a commit. Raises BadInput if there is none of that name."""
    found = None if name.startswith("-") else _git(repo, "rev-parse", "--verify", "-q", f"{name}^{{commit}}")
    if not found:
        raise BadInput(f"{name!r} is neither a stored run nor a commit of this repository")
    return found


def dirty(repo: Path) -> bool:
    """Whether tracked files differ from HEAD."""
    return bool(_git(repo, "status", "--porcelain", "--untracked-files=no"))


def refuse_dirty(repo: Path, names: list[str]) -> None:
    """Raises BadInput where HEAD is to be measured beside changes that it does not hold."""
    if "." in names or not dirty(repo):
        return
    head = resolve(repo, "HEAD")
    for name in names:
        if resolve(repo, name) == head:
            raise BadInput(
                f"{name} would be measured without your uncommitted changes; commit or stash them, "
                "or write . for the tree as it is"
            )


def between(repo: Path, good: str, bad: str) -> list[str]:
    """The commits after `good` up to `bad`, oldest first, along first parents. Raises BadInput for none."""
    listed = _git(repo, "rev-list", "--reverse", "--first-parent", f"{good}..{bad}")
    if _git(repo, "merge-base", "--is-ancestor", good, bad) is None or not listed:
        raise BadInput(f"{good[:10]} is no ancestor of {bad[:10]}; give the older, good commit first")
    return listed.splitlines()


def subject(repo: Path, commit: str) -> str:
    return _git(repo, "log", "-1", "--format=%s", commit) or ""


@contextlib.contextmanager
def checkout(repo: Path, commit: str) -> Iterator[Path]:
    """A worktree of that commit, gone after. Raises BadInput if it cannot be made."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claimbench" / "checkouts"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with scratch.held(cache) as held:
            folder = held / commit[:10]
            if _git(repo, "worktree", "add", "--detach", "--force", str(folder), commit) is None:
                raise BadInput(f"cannot check out {commit[:10]} under {cache}; is the disk full?")
            yield folder
    finally:
        _git(repo, "worktree", "prune")  # Of its own folder, and of those that killed comparisons left.


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None if it fails or is not there."""
    # Inside a hook git points these at its own repository.
    environment = {
        k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    }
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
