"""Every plot that a run has the records for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from matplotlib.figure import Figure

from harness import halves
from harness.judgement import Judgement
from harness.record import Json
from harness.report.plots import style
from harness.report.plots.forest import forest
from harness.report.plots.latency import latency
from harness.report.plots.limit import share_of_limit
from harness.report.plots.memory import memory_over_batches
from harness.report.plots.overview import overview
from harness.report.plots.pareto import pareto
from harness.report.plots.parts import step_parts
from harness.report.plots.scaling import scaling
from harness.report.plots.targets import target_bullets
from harness.rows import CaseSummary

Sketch = tuple[str, str, Figure]
"""(technique, what it shows, plot); the technique is empty for a plot of the whole run."""


class Picture(NamedTuple):
    """A plot as files: drawn once, whatever it is shown in."""

    technique: str
    shows: str
    svg: str
    png: bytes | None


def technique(row: CaseSummary) -> str:
    return row.case.technique or row.case.benchmark


def pictures(info: Json, judgement: Judgement, png: bool = False) -> list[Picture]:
    """Every plot, drawn in two processes; as PNG too where that is asked for."""
    parts = [partial(_drawn, part, png) for part in _parts(info, judgement)]
    return list(chain.from_iterable(halves.each(parts)))


def _drawn(part: Callable[[], Iterator[Sketch]], png: bool) -> list[Picture]:
    return [
        Picture(name, shows, style.svg(figure), style.png(figure) if png else None)
        for name, shows, figure in part()
    ]


def all_of(info: Json, judgement: Judgement) -> Iterator[Sketch]:
    for part in _parts(info, judgement):
        yield from part()


def _parts(info: Json, judgement: Judgement) -> list[Callable[[], Iterator[Sketch]]]:
    """What can be drawn apart: the plots of the whole run, and those of each technique."""
    by_technique: dict[str, list[CaseSummary]] = {}
    for row in judgement.rows:
        by_technique.setdefault(technique(row), []).append(row)
    whole = partial(_of_run, info, judgement)
    return [
        whole,
        *(partial(_of_technique, name, rows, info, judgement) for name, rows in by_technique.items()),
    ]


def _of_run(info: Json, judgement: Judgement) -> Iterator[Sketch]:
    if figure := overview(judgement.rows, info):
        yield "", "overview", figure
    if figure := target_bullets(judgement.targets, info):
        yield "", "targets", figure
    if figure := pareto(judgement.rows, info):
        yield "", "speed against memory", figure


def _of_technique(
    name: str, rows: Sequence[CaseSummary], info: Json, judgement: Judgement
) -> Iterator[Sketch]:
    plots = {
        "speedup": forest(name, rows, judgement.claims, info),
        "memory": memory_over_batches(rows, info),
        "latency": latency(name, rows, info),
        "parts of a step": step_parts(name, rows, info),
        "percent of the limit": share_of_limit(name, rows, info),
    }
    yield from ((name, shows, figure) for shows, figure in plots.items() if figure)
    yield from ((name, shows, figure) for shows, figure in scaling(rows, info))
