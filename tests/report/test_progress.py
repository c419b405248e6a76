"""What a run says while it goes on."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from harness.report.progress import Progress, fitting
from harness.runner import Plan
from harness.settings import PROFILES
from harness.store import Run
from tests import handmade

CASES = handmade.group("fp32", "bf16")


def progress(*, terminal: bool, quiet: bool = False) -> tuple[Progress, io.StringIO, Run]:
    made = handmade.run(CASES)
    run = Run(Path("results/m/r"), made.info)
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, soft_wrap=True)
    return Progress(run, quiet=quiet, console=console), out, run


def follow(watch: Progress, run: Run) -> None:
    with watch:
        plan = Plan([CASES], lambda case: ("time",), lambda case: None, lambda case: False)
        watch.planned(plan, PROFILES["quick"])
        for launch in handmade.timed(CASES, [{"fp32": 0.2, "bf16": 0.1}] * 3):
            watch.begins(CASES, "time", launch["launch"])
            launch["seconds"] = 4.0
            run.launches.append(launch)
            watch.ends(CASES, launch)
        watch.measured(CASES)


def test_a_log_gets_a_plain_line_for_each_row() -> None:
    watch, out, run = progress(terminal=False)
    follow(watch, run)
    lines = out.getvalue().splitlines()
    assert lines[1] == "results: results/m/r"
    assert lines[2] == "mixed-precision: gpt2-train fp32: baseline, 200 ms"
    assert lines[3].startswith("mixed-precision: gpt2-train bf16: 2x")
    assert len(lines) == 4


def test_a_terminal_gets_a_live_line_too() -> None:
    watch, out, run = progress(terminal=True)
    follow(watch, run)
    assert "launches" in out.getvalue()
    assert "mixed-precision/gpt2-train@cpu time 3" in out.getvalue()
    assert "bf16: 2x" in out.getvalue()


def test_a_terminal_says_what_is_left_and_what_was_found() -> None:
    watch, out, run = progress(terminal=True)
    follow(watch, run)
    assert "s left" in out.getvalue()
    assert "so far 1 faster, 0 slower, 0 not told apart" in out.getvalue()


def test_a_log_gets_no_second_line_for_a_case_that_is_measured_again() -> None:
    watch, out, run = progress(terminal=False)
    follow(watch, run)
    before = out.getvalue()
    watch.measured(CASES)
    assert out.getvalue() == before


def test_the_live_line_says_what_a_narrow_terminal_has_room_for_and_cuts_nothing() -> None:
    what = "control/gpt2-train/batch=2@cpu time 3"
    parts = (what, "3/4 launches", "about 5 s left", "so far 1 faster, 0 slower, 0 not told apart")
    assert fitting(200, *parts) == "  ".join(parts)
    assert fitting(72, *parts) == "  ".join(parts[:3])
    assert fitting(40, *parts) == "control  3/4 launches  about 5 s left"
    assert fitting(30, *parts) == "3/4 launches  about 5 s left"
    assert fitting(10, *parts) == "about 5 s left"
