"""A table as plain lines: in rich's own, judging a run would spend half of its time."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

GAP = "   "
#: A column that breaks its lines is not made narrower than this, while others can give room.
NARROW = 12
#: On a very narrow terminal every column breaks its lines, down to this.
NARROWEST = 4


class TextTable:
    """Rows of texts under a title. Columns of `wrapped` break first where the terminal is narrow."""

    def __init__(
        self, title: str, columns: Sequence[str], right: Collection[str], wrapped: Collection[str]
    ) -> None:
        self._title = title
        self._columns = columns
        self._right = right
        self._wrapped = [name in wrapped for name in columns]
        self._rows: list[tuple[tuple[str, ...], str]] = []
        self._ends: set[int] = set()

    def add_row(self, *texts: str, style: str | None = None) -> None:
        self._rows.append((texts, style or ""))

    def add_section(self) -> None:
        """An empty line after the rows so far."""
        self._ends.add(len(self._rows))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for text, style in self.lines(options.max_width):
            yield Segment(text, Style.parse(style) if style else None)
            yield Segment.line()

    def lines(self, width: int) -> Iterator[tuple[str, str]]:
        """Each line with its style."""
        widths = self._widths(width)
        aligned = [str.rjust if name in self._right else str.ljust for name in self._columns]

        def joined(texts: Sequence[str]) -> str:
            cells = (align(text, w) for align, text, w in zip(aligned, texts, widths, strict=True))
            return GAP.join(cells).rstrip()

        def broken(texts: Sequence[str], style: str) -> Iterator[tuple[str, str]]:
            parts = [_broken(text, w) for text, w in zip(texts, widths, strict=True)]
            for place in range(max(map(len, parts))):
                yield joined([part[place] if place < len(part) else "" for part in parts]), style

        yield from ((part, "bold") for part in _broken(self._title, width))
        yield from broken(self._columns, "")
        yield "─" * min(width, sum(widths) + len(GAP) * (len(widths) - 1)), ""
        for number, (texts, style) in enumerate(self._rows, 1):
            yield from broken(texts, style)
            if number in self._ends and number < len(self._rows):
                yield "", ""
        yield "", ""

    def _widths(self, width: int) -> list[int]:
        """As wide as the longest text; what is too much is taken from those that may break, then from all."""
        rows = [self._columns, *(texts for texts, _ in self._rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        room = width - len(GAP) * (len(widths) - 1)
        every = range(len(widths))
        for breaking, least in (([i for i in every if self._wrapped[i]], NARROW), (every, NARROWEST)):
            for _ in range(sum(widths) - room):
                widest = max(breaking, key=lambda i: widths[i], default=0)
                if widths[widest] <= least:
                    break
                widths[widest] -= 1
        return widths


def _broken(text: str, width: int) -> list[str]:
    return [text] if len(text) <= width else textwrap.wrap(text, width, break_on_hyphens=False)
