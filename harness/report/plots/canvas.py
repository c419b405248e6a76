"""Figures as SVG, drawn once each: what matplotlib's own way of saving does twice is most of its time."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import Any

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

#: Comments, the names of groups, turns by nothing, and the font, which the style sheet names once.
UNSEEN = re.compile(
    r"""\s*<!--.*?-->| id="[a-z0-9]+_[0-9]+"| transform="rotate\(-?0 [^"]*"| font-family: 'DejaVu Sans';""",
    re.DOTALL,
)
#: Where coordinates are, and what of them is beyond a tenth of a point.
PLACES, DECIMALS = re.compile(r' (?:d|x|y|transform)="[^"]*"'), re.compile(r"(\.\d)\d+")


#: Width, height and descent, in points.
Extent = tuple[float, float, float]


class Renderer(RendererSVG):
    """Measures each text once for all plots: most of the time of drawing went there."""

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> Extent:
        return _extent(s, prop.copy(), ismath)


@lru_cache(maxsize=4096)
def _extent(text: str, font: FontProperties, ismath: Any) -> Extent:
    """Of a text, from its letters, each of which is measured once; without kerning, so rather too wide.

    To measure every text was a fifth of the time of drawing.
    """
    if ismath or not text:
        return _measured(text, font, ismath)
    known = _letters(font)
    for letter in set(text) - known.keys():
        known[letter] = _measured(letter, font, False)
    widths, heights, descents = zip(*(known[letter] for letter in text), strict=True)
    descent = max(descents)
    above = max(high - low for high, low in zip(heights, descents, strict=True))
    return sum(widths), above + descent, descent


@lru_cache(maxsize=64)
def _letters(font: FontProperties) -> dict[str, Extent]:
    return {}


def _measured(text: str, font: FontProperties, ismath: Any) -> Extent:
    found: Extent = text_to_path.get_text_width_height_descent(text, font, ismath)
    return found


def width(text: str, size: float, weight: str = "normal") -> float:
    """Of a line of text, in points."""
    font = FontProperties(family=["DejaVu Sans"], size=size, weight=weight)
    return _extent(text, font, False)[0]


class Canvas(FigureCanvasBase):
    """Lays out with the renderer that draws: `savefig` takes another, and draws a second time for nothing."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self._out = io.StringIO()
        self._renderer: Renderer | None = None

    def get_renderer(self) -> Renderer:
        if self._renderer is None:
            width, height = (72 * inches for inches in self.figure.get_size_inches())
            about: Any = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self._renderer = Renderer(  # type: ignore[no-untyped-call]
                width, height, self._out, image_dpi=72, metadata=about
            )
        return self._renderer

    def drawn(self) -> str:
        """The figure as SVG. A renderer draws once, and is done."""
        renderer, self._renderer = self.get_renderer(), None
        self.figure.draw(renderer)
        renderer.finalize()  # type: ignore[no-untyped-call]
        text = self._out.getvalue()
        self._out = io.StringIO()
        return _lean(text[text.index("<svg") :])


def _lean(text: str) -> str:
    """Half of the bytes: without what nobody sees."""
    return PLACES.sub(_shorter, UNSEEN.sub("", text))


def _shorter(found: re.Match[str]) -> str:
    return re.sub(r"\s+", " ", DECIMALS.sub(r"\1", found[0]))
