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
        if any(_longest(text) > w for texts, _ in self._rows for text, w in zip(texts, widths, strict=True)):
            yield from self._one_below_the_other(width)
            return
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

    def _one_below_the_other(self, width: int) -> Iterator[tuple[str, str]]:
        """Where columns would cut words in two: each text on lines of its own, after its column's name."""
        yield from ((part, "bold") for part in _broken(self._title, width))
        for texts, style in self._rows:
            for name, text in zip(self._columns, texts, strict=True):
                if text:
                    yield from ((part, style) for part in _broken(f"{name}: {text}", width))
            yield "", ""

    def _widths(self, width: int) -> list[int]:
        """As wide as the longest text; what is too much is taken from those that may break, then from all."""
        rows = [self._columns, *(texts for texts, _ in self._rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        room = width - len(GAP) * (len(widths) - 1)
        every = range(len(widths))
        self._narrow(widths, room, [i for i in every if self._wrapped[i]], [NARROW] * len(widths))
        if sum(widths) > room:
            words = [max(map(_longest, column)) for column in zip(*rows, strict=True)]
            self._narrow(widths, room, every, words)
        self._narrow(widths, room, every, [NARROWEST] * len(widths))
        return widths

    def _narrow(self, widths: list[int], room: int, columns: Sequence[int], least: Sequence[int]) -> None:
        """Takes letters from the widest of `columns`, none of which gets narrower than its `least`."""
        for _ in range(sum(widths) - room):
            can = [i for i in columns if widths[i] > least[i]]
            if not can:
                break
            widths[max(can, key=lambda i: widths[i])] -= 1


def _longest(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _broken(text: str, width: int) -> list[str]:
    return [text] if len(text) <= width else textwrap.wrap(text, width, break_on_hyphens=False)
