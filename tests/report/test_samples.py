"""The samples beside the page: readable, thinned to what they have room for, and names are data."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import store
from harness.report import samples
from tests import handmade as hand


def written(tmp_path: Path, *launches: dict[str, object], cases: list[hand.Case]) -> str:
    made = hand.run(cases, launches=launches)
    samples.write(store.Run(tmp_path / "machine" / "run", made.info, made.launches), tmp_path)
    (path,) = tmp_path.glob("*.txt")
    return path.read_text()


def test_every_launch_names_its_line_and_tells_its_steps(tmp_path: Path) -> None:
    cases = hand.group("fp32", "bf16")
    launches = [
        *hand.timed(cases, [{"fp32": 0.2, "bf16": 0.1}] * 2, noisy=[1]),
        *hand.weighed(cases, {"fp32": {"peak": 2000}, "bf16": {"peak": 1000}}),
    ]
    text = written(tmp_path, *launches, cases=cases)
    _, own = text.split("mixed-precision/gpt2-train@cpu#bf16\n")
    first, steps, second, _, memory = own.splitlines()
    assert first.strip() == "time, launch 1 (line 1): first step 1000 ms; 4 steps"
    assert steps.strip() == "100 | 100 | 100 | 100"
    assert "time, launch 2 (line 2): noisy: a neighbour woke up" in second
    assert memory.strip() == "memory, launch 1 (line 3): peak 1,000 B"


def test_many_steps_are_thinned_evenly_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "ROOM", 22)
    cases = hand.group("fp32", "bf16")
    many = [[number / 1000 for number in range(start, start + 25)] for start in (0, 25)]
    few = [[1.0, 2.0]]
    launch = hand.launch(
        cases, "time", 0, [hand.record(cases[0], blocks=many), hand.record(cases[1], blocks=few)]
    )
    text = written(tmp_path, launch, cases=cases)
    assert "50 steps, one in 3 shown" in text
    assert "    0 3 6 9 12 15 18 21 24 | 27 30 33 36 39 42 45 48" in text
    assert "(line 1): 2 steps\n    1000 2000" in text


@pytest.mark.parametrize("name", ["../../up", "a/b", "<script>", "", "x" * 300, "two\nlines"])
def test_a_name_makes_one_file_in_the_folder(name: str) -> None:
    made = samples.file_of(name)
    assert Path(made).name == made
    assert len(made) < 100
    assert not made.startswith(".")


def test_what_failed_says_so(tmp_path: Path) -> None:
    cases = hand.group("fp32", "bf16")
    launch = hand.launch(cases, "time", 0, [hand.record(cases[1], "out-of-memory", "9 GB\nat once")])
    assert "time, launch 1 (line 1): out-of-memory 9 GB at once" in written(tmp_path, launch, cases=cases)


def test_of_very_many_launches_some_are_shown_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = hand.group("fp32", "bf16")
    monkeypatch.setattr(samples, "LAUNCHES", 3)
    launches = hand.timed(cases, [{"fp32": 2.0, "bf16": 1.0}] * 7)
    text = written(tmp_path, *launches, cases=cases)
    assert "Of 7 launches 4 are shown, evenly chosen; records.jsonl has all." in text
    assert [f"launch {n} (line {n})" in text for n in range(1, 8)] == [True, False] * 3 + [True]
    assert "are shown, evenly" not in written(tmp_path, *launches[:5], cases=cases)
