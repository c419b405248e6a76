"""A killed session loses nothing that was told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import BadInput
from trust import journal
from trust.journal import Journal

HEADER = {"asked": {"each": 1.0}, "fingerprint": {"cpu": {"cores": 2}, "commit": "a" * 40}}


def test_it_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path, HEADER)
    first.append({"kind": "verdicts", "tool": "a"})
    with path.open("a") as out:
        out.write('{"kind": "verd')
    again = Journal(path, HEADER)
    assert again.has(kind="verdicts", tool="a")
    again.append({"kind": "verdicts", "tool": "b"})
    _, lines = journal.read(path)
    assert [line["tool"] for line in lines] == ["a", "b"]


def test_another_question_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.jsonl", HEADER)
    with pytest.raises(BadInput, match="other options"):
        Journal(tmp_path / "journal.jsonl", {**HEADER, "asked": {"each": 2.0}})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"cpu": {"cores": 4}}, "cpu.cores: 2 against 4"),
        ({"commit": "b" * 40}, "commit: a{10} against b{10}"),
    ],
)
def test_another_machine_or_commit_does_not_go_on(
    tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, HEADER)
    before = path.read_bytes()
    with pytest.raises(BadInput, match=says):
        Journal(path, {**HEADER, "fingerprint": {**HEADER["fingerprint"], **changed}})
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["", json.dumps({"schema": journal.SCHEMA + 1}) + "\n", "nonsense\n"])
def test_what_is_no_journal_or_newer_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "journal.jsonl").write_text(text)
    with pytest.raises(BadInput, match="not a journal"):
        journal.read(tmp_path / "journal.jsonl")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="measure first"):
        journal.read(tmp_path / "journal.jsonl")
