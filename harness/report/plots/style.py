"""The one style sheet: what every plot looks like, and how it is written.

Narrow, so that its letters stay readable on a phone; ink and shapes before colour, so that it reads in black
and white. In an SVG the colours are variables, which turn over where the reader prefers dark.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harness.record import Json

INK, QUIET, PAPER, BAND = "#1b1b1f", "#5a5a63", "#fefefe", "#c9daf0"
BLUE, ORANGE = "#0a5ea8", "#a85400"
DARK = {
    INK: "#ececf0",
    QUIET: "#b0b0ba",
    PAPER: "#16161a",
    BAND: "#28405e",
    BLUE: "#7cbcff",
    ORANGE: "#ffb066",
}
WIDTH = 4.8
"""Inches: 460 px, of which a phone shows four fifths."""

RC: Any = {
    "text.parse_math": False,  # Names are data: a dollar sign is a dollar sign.
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "claimbench",
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


@contextmanager
def sheet(height: float, title: str, info: Json) -> Iterator[Figure]:
    """A figure `height` inches high, with its title and, below, the machine, commit and date."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.02, ha="left", fontsize=10.5, fontweight="bold", wrap=True)
        figure.supxlabel(origin(info), x=0.02, ha="left", fontsize=7, color=QUIET)
        yield figure


def origin(info: Json) -> str:
    """The machine, commit and date."""
    machine = info.get("machine", {})
    cpu = machine.get("cpu", {})
    gpu = next((one.get("name", "GPU") for one in machine.get("gpus") or () if info["device"] == "cuda"), "")
    name = gpu or f"{cpu.get('model') or 'unknown CPU'}, {cpu.get('cores', '?')} cores"
    commit = str(machine.get("commit") or "unknown")[:10]
    return f"{name[:44]} · commit {commit} · {str(info.get('started', ''))[:10]}"


def svg(figure: Figure) -> str:
    """As SVG, whose colours follow the reader's choice of light or dark."""
    with matplotlib.rc_context(RC):
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for number, colour in enumerate(DARK):
        text = text.replace(f": {colour}", f": var(--c{number}, {colour})")
    turned = "".join(f"--c{number}:{dark};" for number, dark in enumerate(DARK.values()))
    rule = f"<style>@media (prefers-color-scheme: dark) {{ svg {{ {turned} }} }}</style>"
    end = text.index(">") + 1
    return text[:end] + rule + text[end:]


def write(figure: Figure, path: Path) -> None:
    """Writes ``path.svg`` and ``path.png``."""
    path.with_suffix(".svg").write_text(svg(figure), encoding="utf-8")
    with matplotlib.rc_context(RC):
        figure.savefig(path.with_suffix(".png"), dpi=160, metadata={"Software": None})
