"""Which runs a results folder holds: the last, the last that did not finish, the one to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import folders
from harness.errors import BadInput
from harness.store import Journal
from tests.test_store import INFO


def test_a_folder_without_runs_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no run under .*; start one with: python -m harness run"):
        folders.latest(tmp_path)
    Journal.create(tmp_path, "machine", dict(INFO)).finish()
    with pytest.raises(BadInput, match="no unfinished run under"):
        folders.latest(tmp_path, unfinished=True)


def test_the_others_of_a_machine_are_beside_a_run(tmp_path: Path) -> None:
    one, two, other = (Journal.create(tmp_path, name, dict(INFO)).run.folder for name in ("a", "a", "b"))
    assert folders.beside(one) == [two]
    assert sorted(folders.runs(tmp_path)) == sorted([one, two, other])


def test_the_latest_unfinished_run_is_found(tmp_path: Path) -> None:
    first = Journal.create(tmp_path, "machine", dict(INFO))
    second = Journal.create(tmp_path, "machine", dict(INFO))
    late = max(first, second, key=lambda journal: journal.run.folder.name)
    early = first if late is second else second
    late.finish()
    assert folders.latest(tmp_path) == late.run.folder
    assert folders.latest(tmp_path, unfinished=True) == early.run.folder


def test_the_run_to_show_is_the_most_thorough_of_everything(tmp_path: Path) -> None:
    def made(machine: str, profile: str, day: int, names: tuple[str, ...] = (), device: str = "cpu") -> Path:
        info = {**INFO, "profile": profile, "names": [*names], "device": device}
        folder = Journal.create(tmp_path, machine, info).run.folder
        return folder.rename(folder.with_name(f"2026-01-0{day}-{profile}-{machine}"))

    made("one", "standard", 1)
    shown = [made("one", "standard", 2)]
    made("one", "quick", 3)
    made("one", "full", 4, names=("compile",))
    shown += [made("one", "quick", 5, device="cuda"), made("two", "quick", 1, names=("compile",))]
    assert folders.foremost(tmp_path, ("quick", "standard", "full")) == sorted(shown)
