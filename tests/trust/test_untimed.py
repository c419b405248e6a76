"""What no clock has a part in: each part once, and the others go on where one breaks."""

from __future__ import annotations

from pathlib import Path

from trust import faults, peaks, untimed
from trust.journal import Journal, Json

HEADER: Json = {"asked": {}, "fingerprint": {}}


def test_a_part_that_breaks_says_why_and_what_was_found_before_is_not_measured_again(tmp_path: Path) -> None:
    seen: list[str] = []

    def found(folder: Path) -> Json:
        seen.append("found")
        assert not folder.exists()
        return {"kept": 3}

    def broken(folder: Path) -> Json:
        seen.append("broken")
        raise FileNotFoundError("no such tool")

    journal = Journal(tmp_path / "journal.jsonl", HEADER)
    parts: list[untimed.Untimed] = [({"tool": "a"}, found), ({"tool": "b"}, broken)]
    untimed.run(parts, journal)
    untimed.run(parts, journal)
    assert sorted(seen) == ["broken", "found"]
    said = {line["tool"]: (line.get("kept"), line["words"]) for line in journal.lines}
    assert said == {"a": (3, ""), "b": (None, "FileNotFoundError: no such tool")}


def test_parts_are_of_the_tools_that_are_asked() -> None:
    keys = [key for key, _ in [*peaks.parts(["torch", "asv"]), *faults.parts(["torch", "asv"])]]
    assert [key["tool"] for key in keys if key["kind"] == "memory"] == ["asv peakmem"]
    assert {(key["tool"], key["fault"]) for key in keys if key["kind"] == "fault"} == {
        (tool, fault) for tool in ("asv", "torch") for fault in faults.FAULTS
    }


def test_a_reader_that_failed_says_so_and_the_rows_keep_their_order() -> None:
    lines: list[Json] = [
        {"kind": "memory", "tool": "asv peakmem", "words": "it is not there"},
        {"kind": "memory", "tool": peaks.READERS["claimbench"][0], "peaks": {"spike": [0, 96 << 20]}},
    ]
    rows = peaks.markdown(lines)[2].splitlines()[2:]
    assert rows[0].startswith("| claimbench, tensors and child processes | 96.0 MiB (+50%) | failed |")
    assert rows[1].startswith("| asv peakmem | failed |")
