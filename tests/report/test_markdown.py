"""A run as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import claims, targets
from harness.judge import judge
from harness.report import markdown
from harness.store import Run
from tests import handmade


def section(**machine: Any) -> str:
    cases = handmade.group("none", "full", benchmark="checkpointing", technique="checkpointing", layers=4)
    launches = handmade.timed(cases, [{"none": 0.10, "full": 0.125 + n / 1000} for n in range(3)], samples=4)
    made = handmade.run(cases, launches=launches, machine=machine)
    run = Run(Path("results/m/r"), made.info, made.launches)
    return markdown.run_section(run, judge(run, claims.load(), targets.load()))


def test_rows_claims_and_targets_are_tables_with_the_command_for_the_rest() -> None:
    text = section(cpu={"model": "A CPU", "cores": 2})
    assert "| checkpointing | gpt2-train layers=4 | none | baseline |" in text
    assert "gradient checkpointing is about 20 percent slower" in text
    assert "| 10,000 samples an hour | 2 | 0 | 0 |" in text
    assert "`python -m harness judge results/m/r --format json`" in text
    assert "A CPU, 2 cores" in text


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    for block in section().split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_names_are_data() -> None:
    assert markdown.escape("<script>a|b\n") == "&lt;script>a\\|b "
