"""The one style sheet: what every plot looks like, and how it is written.

Narrow, so that its letters stay readable on a phone; ink and shapes before colour, so that it reads in black
and white. In an SVG the colours are variables, which turn over where the reader prefers dark.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator
from PIL import Image

from harness.record import Json
from harness.report import cells
from harness.report.plots import canvas
from harness.report.plots.letters import EDGE, ROOM, WIDTH, fitted, short
from harness.rows import CaseSummary

INK, QUIET, PAPER, BAND, PALE = "#1b1b1f", "#5a5a63", "#fefefe", "#c9daf0", "#e4e4ea"
BLUE, ORANGE = "#0a5ea8", "#a85400"
DARK = {
    INK: "#ececf0",
    QUIET: "#b0b0ba",
    PAPER: "#16161a",
    BAND: "#28405e",
    PALE: "#36363e",
    BLUE: "#7cbcff",
    ORANGE: "#ffb066",
}
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


#: How far the rows of a plot of rows lie apart, what title, axis and origin take, and a title's further line,
#: inches; and the letters that a line of a title has room for.
ROW, FRAME, LINE, LETTERS = 0.56, 1.2, 0.17, 50
#: What a power of ten is multiplied with for the ticks of a log axis, from far apart to close together.
TICKS = (
    (1,),
    (1, 3),
    (1, 2, 5),
    (1, 1.5, 2, 3, 5, 7),
    (1, 1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.7, 3, 4, 5, 6, 7, 8, 9),
)
#: Verdana has the widths of DejaVu Sans, and is where that is not.
LOOK = "font-family: 'DejaVu Sans', Verdana, sans-serif"
#: What is left free at the right of a plot of rows, inches: a number of the axis may reach into it.
SIDE = 0.22
#: How much of an axis at its left has no number: half of it would be beyond the edge.
LEFT = 0.04
#: Letters of a row's name.
LABEL = 70
#: Rows on one plot; the table has all.
MOST = 12


@contextmanager
def sheet(height: float, title: str, info: Json) -> Iterator[Figure]:
    """A figure `height` inches high, with its title and, below, the machine, commit and date."""
    with matplotlib.rc_context(RC):
        size = (WIDTH, height + LINE * title.count("\n"))
        figure = Figure(figsize=size, dpi=72, layout="constrained")
        canvas.Canvas(figure)
        figure.suptitle(title, x=0.02, ha="left", fontsize=10.5, fontweight="bold", wrap=True)
        figure.supxlabel(origin(info), x=0.02, ha="left", fontsize=7, color=QUIET)
        yield figure


def line_at(axes: Axes, x: float, rows: int) -> None:
    """An upright line beside what is drawn in each row, and not through its name."""
    axes.vlines(
        [x] * rows, [y - 0.38 for y in range(rows)], [y + 0.1 for y in range(rows)], color=INK, lw=0.9
    )


def bar(axes: Axes, y: float, left: float, width: float, fill: str, **look: Any) -> None:
    """A bar in a plot of rows, whose limits are set: `barh` would look at what is drawn to find them."""
    height = 0.28
    axes.add_artist(Rectangle((left, y - height / 2), width, height, facecolor=fill, **look))


def point(axes: Axes, x: float, y: float, colour: str, mark: str = "o", **look: Any) -> None:
    """A dot, or another `mark`; at the end of the axis an arrow to where it lies."""
    low, high = axes.get_xlim()
    mark = "<" if x < low else ">" if x > high else mark
    look.setdefault("markersize", 5)
    axes.plot([min(max(x, low), high)], [y], mark, color=colour, clip_on=False, **look)


def laid_out(figure: Figure) -> None:
    """Settles where everything is, once: saving would look for it anew each time, and draw twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def heading(name: str, says: str) -> str:
    """``name: says``, on two lines where one is too short for it."""
    whole = f"{name}: {says}"
    return whole if len(whole) <= LETTERS else f"{titled(name)}:\n{says}"


def titled(name: str, after: str = "") -> str:
    """A name, and what comes `after` it, with a line of the title to themselves."""
    taken = canvas.width(after, 10.5, "bold")
    return fitted(name, LETTERS - len(after), 10.5, ROOM - taken, "bold") + after


def tall(rows: int) -> float:
    """The height of a plot of rows, with a line of title and two of the axis' name."""
    return FRAME + ROW * (rows + 0.4)


def row(axes: Axes, y: float, label: str, says: str) -> None:
    """Names what is drawn at `y`, just above it; `says` is its numbers in words. Rows are 1 apart."""
    place = axes.get_yaxis_transform()
    over: Any = {"transform": place, "va": "center"}
    axes.text(0, y + 0.45, fitted(label, LABEL, 8), fontsize=8, **over)
    axes.text(0, y + 0.22, fitted(says, 84, 7.2), fontsize=7.2, color=QUIET, **over)


def case(row: CaseSummary, also: str = "") -> str:
    """``gpt2-train batch=2 [bf16]``, the variant whole: of a workload with many parameters a part."""
    variant = f"[{cells.variant(row)}{', baseline' if row.case.is_baseline else ''}]{also}"
    return f"{short(cells.workload(row), max(16, LABEL - 1 - len(variant)))} {variant}"


def rows_only(axes: Axes, number: int, every: int) -> None:
    """The y axis of a plot of rows: their names stand for it, and of `every` row how many are shown."""
    if every > number:
        told = f"the first {number} of {every}; the page has all"
        axes.text(1, 1, told, transform=axes.transAxes, ha="right", va="bottom", fontsize=7, color=QUIET)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.5, number - 0.1)
    axes.figure.set_layout_engine(Fixed())  # type: ignore[union-attr]


class Fixed(LayoutEngine):
    """Of a plot of rows, where the height of everything is known: to look for it takes half of the time."""

    _adjust_compatible, _colorbar_gridspec = True, False

    def execute(self, fig: Any) -> None:
        (axes,), (title, origin) = fig.axes, fig.texts
        tall = fig.get_figheight()
        above = EDGE + 0.18 * (1 + title.get_text().count("\n")) + 0.12
        below = EDGE + 0.14 + 0.15 * (1 + axes.get_xlabel().count("\n")) + 0.36
        title.set_y(1 - EDGE / tall)
        origin.set_y(EDGE / tall)
        left, right = EDGE / WIDTH, 1 - SIDE / WIDTH
        axes.set_position((left, below / tall, right - left, 1 - (above + below) / tall))


def plain_ticks(axis: Axis, show: Callable[[float], str] = "{:g}".format) -> None:
    """Numbers in place of powers of ten, and none on the minor ticks of a log axis."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: show(value)))
    axis.set_minor_locator(NullLocator())


def few_ticks(low: float, high: float) -> list[float]:
    """Up to five round numbers on a log axis: powers of ten, or with 2 and 5, or as close as it takes."""
    for steps in TICKS:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        every = [step * 10.0**power for power in powers for step in steps]
        found = [one for one in every if low * (high / low) ** LEFT <= one <= high]
        if len(found) >= 3:
            break
    return found[:: -(-len(found) // 5)]


def apart(places: Sequence[float], gap: float) -> list[float]:
    """`places` moved as little as keeps their order and `gap` between neighbours, for labels beside lines."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    moved = list(places)
    blocks: list[list[int]] = []
    for number in order:
        blocks.append([number])
        while len(blocks) > 1 and _first(moved, blocks[-1], gap) - _last(moved, blocks[-2], gap) < gap:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    for block in blocks:
        start = _first(places, block, gap)
        for step, number in enumerate(block):
            moved[number] = start + step * gap
    return moved


def _first(places: Sequence[float], block: Sequence[int], gap: float) -> float:
    """Where a block of labels begins that is centred on its places."""
    return sum(places[number] for number in block) / len(block) - gap * (len(block) - 1) / 2


def _last(places: Sequence[float], block: Sequence[int], gap: float) -> float:
    return _first(places, block, gap) + gap * (len(block) - 1)


def origin(info: Json) -> str:
    """The machine, commit and date."""
    machine = info.get("machine", {})
    cpu = machine.get("cpu", {})
    gpu = next((one.get("name", "GPU") for one in machine.get("gpus") or () if info["device"] == "cuda"), "")
    name = gpu or f"{cpu.get('model') or 'unknown CPU'}, {cpu.get('cores', '?')} cores"
    commit = str(machine.get("commit") or "unknown")[:10]
    return f"{fitted(name, 44, 7, ROOM / 2)} · commit {commit} · {str(info.get('started', ''))[:10]}"


def svg(figure: Figure) -> str:
    """As SVG, whose colours follow the reader's choice of light or dark."""
    with matplotlib.rc_context(RC):
        laid_out(figure)
        assert isinstance(figure.canvas, canvas.Canvas), "sheet makes every figure"
        text = figure.canvas.drawn()
    for number, colour in enumerate(DARK):
        chosen = f": var(--c{number}, {colour})"
        text = text.replace(f": {colour}", chosen).replace(f'fill="{colour}"', f'style="fill{chosen}"')
    turned = "".join(f"--c{number}:{dark};" for number, dark in enumerate(DARK.values()))
    rule = f"<style>@media (prefers-color-scheme: dark) {{ svg {{ {turned} }} }} text {{ {LOOK} }}</style>"
    end = text.index(">") + 1
    return text[:end] + rule + text[end:]


def png(figure: Figure) -> bytes:
    """As PNG, of twice its size on a screen, once it is laid out."""
    out, small = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context(RC):
        laid_out(figure)
        figure.savefig(out, format="png", dpi=160)
    # A plot has a few colours and their shades: a third of the bytes.
    Image.open(out).convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return small.getvalue()


def write(path: Path, svg: str, png: bytes | None = None) -> None:
    """Writes ``path.svg``, and ``path.png`` where there is one."""
    path.with_suffix(".svg").write_text(svg, encoding="utf-8")
    if png is not None:
        path.with_suffix(".png").write_bytes(png)
