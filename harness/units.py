"""Numbers as people read them: one way for tables, reasons and pages. A leaf."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.stats import Interval

Show = Callable[[float], str]


def times(value: float) -> str:
    """1.62x"""
    return f"{_three(value)}x"


def percent(value: float) -> str:
    """A share, 0.314, as 31.4 %"""
    return f"{_three(100 * value)} %"


def seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(value) >= size:
            return f"{_three(value / size)} {unit}"
    return f"{_three(value / 1e-9)} ns"


def size(value: float) -> str:
    """Bytes, in powers of 1000 as memory limits are stated here."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= one:
            return f"{_three(value / one)} {unit}"
    return f"{_three(value)} B"


def rate(value: float) -> str:
    return f"{_three(value)} samples/s"


def plain(value: float) -> str:
    return _three(value)


def count(value: float) -> str:
    """100,352,000"""
    return f"{value:,.0f}" if math.isfinite(value) else _three(value)


def between(found: Interval, show: Show) -> str:
    """``1.62x (1.58x to 1.66x)``; an exact figure without bounds."""
    if found.low == found.high:
        return show(found.point)
    return f"{show(found.point)} ({show(found.low)} to {show(found.high)})"


def reach(low: float, high: float, show: Show) -> str:
    """A range in words, with its open end said."""
    if math.isinf(high):
        return f"at least {show(low)}"
    if math.isinf(low):
        return f"at most {show(high)}"
    return f"{show(low)} to {show(high)}"


def _three(value: float) -> str:
    """Three significant digits, never in powers of ten below a million."""
    if not math.isfinite(value):
        return "unbounded" if value > 0 else "-unbounded" if value < 0 else "unknown"
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 6)}f}" if abs(value) < 1e6 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text
