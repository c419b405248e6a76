"""Launches of a journal by group, parsed when they are asked for: as those that are held, and as refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import lines, store
from harness.errors import BadInput
from harness.record import Json
from harness.summary import summarise
from tests import handmade as hand

FIRST, OTHER = hand.group("fp32", "bf16"), hand.group("fp32", batch=8)
LAUNCHES = [
    *hand.timed(FIRST, [{"fp32": 2.0, "bf16": 1.0}]),
    *hand.timed(OTHER, [{"fp32": 3.0}]),
    *hand.weighed(FIRST, {"fp32": {"peak": 2000}, "bf16": {"peak": 1000}}),
]


def stored(folder: Path, text: list[str]) -> Path:
    folder.mkdir()
    info = {"schema": 1, **hand.run(FIRST, OTHER).info}
    (folder / store.RUN).write_text(json.dumps(info))
    (folder / store.JOURNAL).write_text("\n".join([*text, ""]))
    return folder


def test_the_groups_of_a_journal_are_those_of_what_is_held(tmp_path: Path) -> None:
    folder = stored(tmp_path / "run", [json.dumps(one) for one in LAUNCHES])
    run = lines.glance(folder)
    found = {name: list(several) for name, several in lines.by_group(run.launches).items()}
    assert found == lines.by_group(store.read(folder).launches)
    assert [number for number, _ in found[FIRST[0].group]] == [1, 3]
    assert len(run.launches) == 3
    several = lines.by_group(run.launches)[FIRST[0].group]
    assert (len(several), several[1], list(several[1:])) == (2, (3, LAUNCHES[2]), [(3, LAUNCHES[2])])
    assert run.groups == [FIRST, OTHER]


@pytest.mark.parametrize(
    "turned",
    [
        lambda launch: {key: launch[key] for key in sorted(launch, reverse=True)},
        lambda launch: {"padding": "x" * lines.HEAD, **launch},
        lambda launch: {"records": launch["records"], **launch},
    ],
    ids=["sorted", "far", "after its records"],
)
def test_a_group_is_found_wherever_it_stands(tmp_path: Path, turned: object) -> None:
    folder = stored(tmp_path / "run", [json.dumps(turned(one)) for one in LAUNCHES])  # type: ignore[operator]
    found = lines.by_group(lines.glance(folder).launches)
    assert {name: [number for number, _ in several] for name, several in found.items()} == {
        FIRST[0].group: [1, 3],
        OTHER[0].group: [2],
    }


def test_a_name_with_quotes_and_other_letters_is_a_name(tmp_path: Path) -> None:
    odd: Json = {**LAUNCHES[0], "group": 'a "b" \\ é\n'}
    (name,) = lines.by_group(lines.glance(stored(tmp_path / "run", [json.dumps(odd)])).launches)
    assert name == odd["group"]


@pytest.mark.parametrize("text", ["nonsense", '{"schema": 1}', '{"schema": 1, "group": "a", "kind"'])
def test_what_is_no_launch_is_refused_by_file_and_line(tmp_path: Path, text: str) -> None:
    folder = stored(tmp_path / "run", [json.dumps(LAUNCHES[0]), text, json.dumps(LAUNCHES[1])])
    with pytest.raises(BadInput, match=r"records\.jsonl line 2 "):
        summarise(lines.glance(folder))


def test_a_torn_last_line_is_told_and_left_out(tmp_path: Path) -> None:
    folder = stored(tmp_path / "run", [json.dumps(LAUNCHES[0])])
    with open(folder / store.JOURNAL, "a") as journal:
        journal.write('{"schema": 1, "group": "a", "ki')
    run = lines.glance(folder)
    assert len(run.launches) == 1
    assert run.warnings == store.read(folder).warnings != []


def test_a_run_without_a_launch_has_no_group(tmp_path: Path) -> None:
    folder = stored(tmp_path / "run", [])
    (folder / store.JOURNAL).unlink()
    assert len(lines.glance(folder).launches) == 0
