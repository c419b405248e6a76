"""A session goes on where it was killed; its table and plot come from what it wrote."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from trust import __main__ as command
from trust import figures, peaks, plot, session, table, tools
from trust.figures import Count
from trust.journal import Journal, read
from trust.session import Asked
from trust.verdicts import FAILED, PLANTS, SLOWER, UNCHANGED, Plant, Verdict, batch
from trust.workloads import LONG, NOTHING, SHORT, WORKLOADS

ROOT = Path(__file__).parents[2]
ASKED = Asked(("split", "sort"), ("claimbench", "torch"), ("idle",), 1.0, 6)
HEADER = {
    "asked": {"each": 1.0, "conditions": ["idle"]},
    "command": "python -m trust",
    "machine": "a-machine",
    "started": "2026-01-01T00:00:00+00:00",
    "commit": "0123456789abcdef",
    "fingerprint": {"cpu": {"model": "a CPU", "cores": 2}, "commit": "0123456789abcdef"},
}


def told(name: str, asked: list[str]) -> tools.Measure:
    """A tool that calls what is 5 % slower or more, and reads every ratio 1 % too high."""

    def measure(plants: Sequence[Plant], seconds: float, folder: Path) -> list[Verdict]:
        asked.append(name)
        return [
            Verdict(name, one.work, SLOWER if one.truth > 1.04 else UNCHANGED, 1.01 * one.truth, 1e-6)
            for one in plants
        ]

    return measure


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    names = {"claimbench": "claimbench", "torch": "torch Compare, digits"}
    monkeypatch.setattr(session, "TOOLS", {tool: told(name, found) for tool, name in names.items()})
    return found


def test_a_killed_session_goes_on_and_measures_nothing_twice(tmp_path: Path, asked: list[str]) -> None:
    path = tmp_path / "journal.jsonl"
    session.run(ASKED, Journal(path, HEADER), lambda line: None)
    assert len(asked) == 12
    whole = path.read_text().splitlines()
    path.write_text("\n".join(whole[:6]) + "\n" + whole[6][:50])
    session.run(ASKED, again := Journal(path, HEADER), lambda line: None)
    assert len(asked) == 12 + 7
    keys = [(line["batch"], line["tool"]) for line in again.lines]
    assert len(keys) == len(set(keys)) == 12


def test_figures_table_plot_and_json_of_what_was_written(tmp_path: Path, asked: list[str]) -> None:
    journal = Journal(tmp_path / "journal.jsonl", HEADER)
    session.run(ASKED, journal, lambda line: None)
    journal.append(
        {
            "kind": "memory",
            "condition": "",
            "tool": "asv peakmem",
            "wall": 0.0,
            "peaks": {"spike": [0, 1 << 26]},
        }
    )
    (ours, other) = figures.rows(journal.lines, "idle")
    assert (ours.tool, other.tool) == ("claimbench", "torch Compare, digits")
    assert ours.false_alarms == Count(0, 6)
    assert {share: (one.found, one.of) for share, one in ours.found.items()} == {
        0.02: (0, 2),
        0.05: (2, 2),
        0.10: (2, 2),
    }
    assert ours.typical == pytest.approx(0.01)
    assert ours.overhead == 1e-6
    command.write(tmp_path, *read(tmp_path / "journal.jsonl"))
    text = (tmp_path / "trust.md").read_text()
    assert "| claimbench | 0 of 6 (0%) | 39.3% | 0 of 2 (0%) | 2 of 2 (100%) |" in text
    assert "| asv peakmem | 64.0 MiB (+0%) | failed | failed |" in text
    assert "\nIdle: our runner took " in text
    found = json.loads((tmp_path / "trust.json").read_text())
    assert found["schema"] == 1
    assert len(found["lines"]) == 13
    assert "<svg" in (tmp_path / "trust.svg").read_text()
    assert (tmp_path / "trust.png").stat().st_size > 5000


def test_the_table_says_what_a_verdict_was_given(tmp_path: Path, asked: list[str]) -> None:
    """Slow steps are given more than was asked for."""
    for works, says in (
        (("split",), "; 1 s for a verdict"),
        (("matmul_long",), "; 600 s for a verdict"),
        (("split", "matmul_long"), "; 1 to 600 s for a verdict"),
    ):
        journal = Journal(tmp_path / f"{len(asked)}.jsonl", HEADER)
        session.run(replace(ASKED, works=works, batches=1), journal, lambda line: None)
        assert says in table.markdown(HEADER, journal.lines)


def test_the_table_says_what_is_not_measured_yet(tmp_path: Path, asked: list[str]) -> None:
    header = {**HEADER, "asked": json.loads(json.dumps(dataclasses.asdict(ASKED)))}
    journal = Journal(tmp_path / "journal.jsonl", header)
    session.run(ASKED, journal, lambda line: None)
    assert "Not measured yet" not in table.markdown(header, journal.lines)
    said = table.markdown(header, journal.lines[:-1])
    assert "Not measured yet: 1 of 12 parts, of batch 6 under idle; the same command goes on." in said
    older = {**HEADER["asked"], "works": ["split"]}  # Of a form that is no longer known in all it left out.
    assert "Not measured yet" not in table.markdown({**HEADER, "asked": older}, journal.lines[:-1])


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path, asked: list[str]) -> None:
    session.run(ASKED, Journal(tmp_path / "journal.jsonl", HEADER), lambda line: None)
    show = [sys.executable, "-m", "trust", "--show", "--out", str(tmp_path)]
    shown = subprocess.Popen(show, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert shown.stdout is not None
    shown.stdout.close()
    _, said = shown.communicate(timeout=120)
    assert (shown.returncode, said) == (0, "")


def test_where_another_is_better_the_table_says_so() -> None:
    line = {
        "kind": "verdicts",
        "condition": "idle",
        "wall": 2.0,
        "plants": [{"work": "sort", "share": 0.05, "truth": 1.05}],
        "verdicts": [
            {"tool": "claimbench", "work": "sort", "said": "unchanged", "ratio": 1.0, "level": None},
            {"tool": "pyperf compare_to", "work": "sort", "said": "slower", "ratio": 1.05, "level": None},
        ],
    }
    said = table.better(figures.rows([line], "idle"))
    assert "more of +5%: pyperf compare_to" in said
    assert "smaller typical error: pyperf compare_to" in said
    assert "false alarms" not in said


def test_no_further_batch_past_the_budget(tmp_path: Path, asked: list[str]) -> None:
    heard: list[str] = []
    session.run(replace(ASKED, budget=1e-9), Journal(tmp_path / "journal.jsonl", HEADER), heard.append)
    assert len(asked) == 2
    assert "1 of 6 made" in heard[-1]


def test_workloads_are_dealt_to_the_conditions_or_all_under_each() -> None:
    both = replace(ASKED, works=("a", "b", "c"), conditions=("idle", "load"), batches=2)
    assert both.under("load") == ("a", "b", "c")
    dealt = replace(both, dealt=True)
    assert (dealt.under("idle"), dealt.under("load")) == (("a", "c"), ("b",))


def test_a_tool_that_breaks_has_failed_with_its_reason_and_the_others_go_on(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(plants: Sequence[Plant], seconds: float, folder: Path) -> list[Verdict]:
        raise FileNotFoundError("no such tool")

    monkeypatch.setitem(session.TOOLS, "torch", broken)
    journal = Journal(tmp_path / "journal.jsonl", HEADER)
    session.run(replace(ASKED, batches=1), journal, lambda line: None)
    said = {one["tool"]: one for line in journal.lines for one in line["verdicts"]}
    assert said["claimbench"]["said"] != FAILED
    assert (said["torch Compare, digits"]["said"], said["torch Compare, digits"]["words"]) == (
        FAILED,
        "FileNotFoundError: no such tool",
    )
    assert "torch Compare, colours" in said


def test_where_it_is_spared_the_slowest_tool_gets_some() -> None:
    names = tuple(work.name for work in SHORT)
    some = replace(ASKED, works=(*names, "matmul_long"), tools=("asv", "asv-best"), every=4)
    counts = {part.tool: len(part.plants) for part in session.parts(some, "idle", 0)}
    assert counts == {"asv": 21, "asv: matmul_long": 1, "asv-best": 6}
    dealt = replace(some, works=names, conditions=("idle", "load"), dealt=True)
    assert [part.tool for part in session.parts(dealt, "idle", 0)] == ["asv"]
    assert {part.tool: len(part.plants) for part in session.parts(dealt, "load", 0)} == {
        "asv": 11,
        "asv-best": 3,
    }


def test_slow_workloads_may_be_under_the_last_condition_alone() -> None:
    both = replace(ASKED, works=("split", "matmul_long"), conditions=("idle", "load"))
    assert both.under("idle") == both.works
    once = replace(both, slow_once=True)
    assert (once.under("idle"), once.under("load")) == (("split",), both.works)


@pytest.mark.parametrize(
    ("form", "comparisons", "minutes"), [("--short", [7, 7], 6), ("--full", [20, 22], 120)]
)
def test_a_form_fits_into_the_time_that_its_help_states(
    form: str, comparisons: list[int], minutes: int
) -> None:
    asked = command._asked(command._parser().parse_args([form]))
    assert [asked.comparisons(one) for one in asked.conditions] == comparisons
    assert asked.expected < 60 * minutes


def test_every_workload_meets_every_share() -> None:
    names = [work.name for work in SHORT]
    batches = [batch(number, names) for number in range(len(PLANTS))]
    for name in names:
        assert sorted(p.share for plants in batches for p in plants if p.work == name) == sorted(PLANTS)


def test_the_truth_is_counted_in_units() -> None:
    assert len(SHORT) == 20
    assert [work.seconds for work in LONG] == [3.0, 12.0]
    for work in SHORT:
        assert Plant(work.name, 0.0).truth == 1
        for share in (0.02, 0.05, 0.10):
            assert Plant(work.name, share).truth == pytest.approx(1 + share, abs=0.5 / work.units + 1e-9) or (
                work.units * share < 1
            )


@pytest.mark.parametrize(
    "work", [work for work in [*SHORT, NOTHING] if work.seconds < 2e-2], ids=lambda w: w.name
)
def test_a_workload_runs(work: object) -> None:
    assert WORKLOADS[work.name].build(2)() is None  # type: ignore[attr-defined]


def test_slow_workloads_are_parts_of_their_own() -> None:
    long = replace(ASKED, works=("sort", "matmul_long"), tools=("claimbench",))
    first, second = session.parts(long, "idle", 0)
    assert [one.work for one in first.plants] == ["sort", "nothing"]
    assert (second.tool, second.seconds) == ("claimbench: matmul_long", 600.0)


def test_the_clopper_pearson_bound() -> None:
    assert Count(0, 500).upper == pytest.approx(1 - 0.05 ** (1 / 500))
    assert Count(0, 0).upper == pytest.approx(0.95)


@pytest.mark.parametrize(
    "wrong", [["--works", "nobody"], ["--tools", "hyperfine"], ["--shares", "much"], ["--batches", "0"]]
)
def test_bad_input_is_one_line(wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*wrong, "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert command.main(["--works", "split", "--times-only", "--out", str(tmp_path / "taken" / "out")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"trust: {tmp_path / 'taken'}")
    assert said.endswith("Not a directory")


def test_steps_of_planted_peaks_run() -> None:
    for kind in peaks.KINDS:
        peaks.build(kind, 1)()


def test_nothing_to_draw_is_no_plot() -> None:
    assert plot.drawn(HEADER, []) is None
