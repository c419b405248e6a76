"""Every plot that a run has the records for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from harness.judgement import Judgement
from harness.report.plots.forest import forest
from harness.report.plots.latency import latency
from harness.report.plots.limit import share_of_limit
from harness.report.plots.memory import memory_over_batches
from harness.report.plots.overview import overview
from harness.report.plots.pareto import pareto
from harness.report.plots.parts import step_parts
from harness.report.plots.scaling import scaling
from harness.report.plots.style import svg as svg
from harness.report.plots.style import write as write
from harness.report.plots.targets import target_bullets
from harness.rows import CaseSummary
from harness.summary import Run


def technique(row: CaseSummary) -> str:
    return row.case.technique or row.case.benchmark


def all_of(run: Run, judgement: Judgement) -> Iterator[tuple[str, str, Figure]]:
    """(technique, what it shows, plot); the technique is empty for a plot of the whole run."""
    if figure := overview(judgement.rows, run.info):
        yield "", "overview", figure
    if figure := target_bullets(judgement.targets, run.info):
        yield "", "targets", figure
    if figure := pareto(judgement.rows, run.info):
        yield "", "speed against memory", figure
    by_technique: dict[str, list[CaseSummary]] = {}
    for row in judgement.rows:
        by_technique.setdefault(technique(row), []).append(row)
    for name, rows in by_technique.items():
        for shows, figure in _of_technique(name, rows, run, judgement):
            yield name, shows, figure


def _of_technique(
    name: str, rows: Sequence[CaseSummary], run: Run, judgement: Judgement
) -> Iterator[tuple[str, Figure]]:
    info = run.info
    plots = {
        "speedup": forest(name, rows, judgement.claims, info),
        "memory": memory_over_batches(rows, info),
        "latency": latency(rows, run.launches, info),
        "parts of a step": step_parts(name, rows, info),
        "percent of the limit": share_of_limit(name, rows, info),
    }
    yield from ((shows, figure) for shows, figure in plots.items() if figure)
    yield from scaling(rows, info)
