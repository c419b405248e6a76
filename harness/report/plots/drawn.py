"""Every plot that a run has the records for."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from harness.judgement import Judgement
from harness.record import Json
from harness.report.plots.forest import forest
from harness.report.plots.memory import memory_over_batches
from harness.report.plots.pareto import pareto
from harness.report.plots.scaling import scaling
from harness.report.plots.style import svg as svg
from harness.report.plots.style import write as write
from harness.report.plots.targets import target_bullets
from harness.rows import CaseSummary


def technique(row: CaseSummary) -> str:
    return row.case.technique or row.case.benchmark


def all_of(info: Json, judgement: Judgement) -> Iterator[tuple[str, str, Figure]]:
    """(technique, what it shows, plot); the technique is empty for a plot of the whole run."""
    if figure := target_bullets(judgement.targets, info):
        yield "", "targets", figure
    if figure := pareto(judgement.rows, info):
        yield "", "speed against memory", figure
    by_technique: dict[str, list[CaseSummary]] = {}
    for row in judgement.rows:
        by_technique.setdefault(technique(row), []).append(row)
    for name, rows in by_technique.items():
        if figure := forest(name, rows, judgement.claims, info):
            yield name, "speedup", figure
        if figure := memory_over_batches(rows, info):
            yield name, "memory", figure
        if figure := scaling(rows, info):
            yield name, "growth of memory", figure
