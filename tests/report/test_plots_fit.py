"""Plots as pictures: nothing that is written on them is cut or lies over another text, whatever the names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from harness import targets
from harness.history import History, Point, Series
from harness.judge import judge
from harness.report.plots import drawn, letters, style
from harness.report.plots.history import history
from tests import handmade as hand

INFO = {
    "device": "cpu",
    "started": "2026-01-31T12:00",
    "machine": {"cpu": {"model": "A chip", "cores": 4}, "commit": "f00"},
    "ceilings": {"float32": 100.0, "bfloat16": 400.0, "copy": 10.0},
}
SHORT = ("gpt2", "m", "full")
NAMES = [SHORT, ("W" * 70, "W" * 60, "W" * 60), ("<script>alert(1)</script>", "a b" * 30, "i" * 90)]


@contextmanager
def written(patch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Bbox]]]:
    """Every text that is drawn, with the box around it, in points."""
    found: list[tuple[str, Bbox]] = []
    draw = Text.draw

    def recorded(self: Text, renderer: Any) -> None:
        draw(self, renderer)
        if self.get_visible() and self.get_text().strip():
            found.append((self.get_text(), self.get_window_extent(renderer)))

    with patch.context() as patched:
        patched.setattr(Text, "draw", recorded)
        yield found


def faults(figure: Figure, patch: pytest.MonkeyPatch) -> list[str]:
    """Each text that is cut, and each two that overlap."""
    with written(patch) as texts:
        style.svg(figure)
    wide, tall = (72 * inches for inches in figure.get_size_inches())
    told = [f"cut: {text}" for text, box in texts if not inside(box, wide, tall)]
    told += [
        f"{one} lies over {other}"
        for (one, a), (other, b) in itertools.combinations(texts, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.8
    ]
    return told


def inside(box: Bbox, wide: float, tall: float) -> bool:
    return box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide and box.y1 <= tall


def everything(model: str, technique: str, variant: str) -> hand.HandRun:
    """A run that has the records for every plot."""
    about: dict[str, Any] = {"model": model, "benchmark": technique, "technique": technique}
    groups = [hand.group("none", variant, "b", phase="infer", layers=n, **about) for n in (2, 4, 8)]
    launches = []
    parts = {"part:forward": 0.01, "part:backward": 0.02, "part:optimizer": 0.01, "part:data": 0.001}
    for cases, n in zip(groups, (2, 4, 8), strict=True):
        times = {"none": n * 1e-3, variant: n * 0.4e-3, "b": 1e-3}
        launches += hand.timed(cases, [times] * 3, flops=0.05, minimum_bytes=1)
        trace = [1e6 * step for step in range(1, 25)]
        memory = {name: {"peak": n * 1000 // (i + 1), "trace": trace} for i, name in enumerate(times)}
        launches += hand.weighed(cases, memory, figures=parts)
    machine = {"cpu": {"model": f"{model}, a chip", "cores": 4}, "commit": "f00d" * 10}
    return hand.run(*groups, launches=launches, **{**INFO, "machine": machine})


@pytest.mark.parametrize("names", NAMES)
def test_no_text_of_a_plot_is_cut_or_lies_over_another(
    names: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = everything(*names)
    claim = hand.claim(technique=names[1], phase="infer", range=[2.0, 4.0])
    plots = {name: figure for _, name, figure in drawn.all_of(run.info, judge(run, [claim], targets.load()))}
    wanted = {"overview", "targets", "speed against memory", "speedup", "memory", "latency"}
    assert wanted | {"parts of a step", "percent of the limit", "growth over depth"} <= set(plots)
    assert {name: found for name, one in plots.items() if (found := faults(one, monkeypatch))} == {}


@pytest.mark.parametrize("name", ["checkpointing/gpt2-train/batch=8,length=64@cpu#full", "W" * 90, "i" * 90])
def test_no_text_of_a_history_is_cut(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [*[0.1, 0.101] * 4, *[0.15, 0.151] * 4]
    points = tuple(Point(f"{7919 * n:08x}", f"{n:02d}", value) for n, value in enumerate(values))
    figure = history(History("m", "asv", INFO, (Series(name, "time of a step", points),) * 3))
    assert figure is not None
    assert faults(figure, monkeypatch) == []


def test_what_is_cut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself: a text beyond the edge, and one over another."""
    with style.sheet(2, "a title", INFO) as figure:
        axes = figure.subplots()
        axes.text(0.9, 0.5, "W" * 40, transform=axes.transAxes, in_layout=False)
        axes.text(0.91, 0.5, "over it", transform=axes.transAxes, in_layout=False)
    assert faults(figure, monkeypatch) == [f"cut: {'W' * 40}", f"{'W' * 40} lies over over it"]


def test_wide_letters_have_less_room() -> None:
    assert letters.fitted("i" * 60, 60, 8) == "i" * 60
    cut = letters.fitted("W" * 60, 60, 8)
    assert 30 < len(cut) < 60
    assert "…" in cut
