"""Numbers as people read them: one way for tables, reasons and pages. A leaf."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.stats import Interval

Show = Callable[[float], str]


def times(value: float) -> str:
    """1.62x"""
    return _with(value, "x")


def percent(value: float) -> str:
    """A share, 0.314, as 31.4 %"""
    return _with(100 * value, " %")


def seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(value) >= size:
            return _with(value / size, f" {unit}")
    return _with(value / 1e-9, " ns")


def size(value: float) -> str:
    """Bytes, in powers of 1000 as memory limits are stated here."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= one:
            return _with(value / one, f" {unit}")
    return _with(value, " B")


def rate(value: float) -> str:
    return _with(value, " samples/s")


def flops(value: float) -> str:
    """Per second: 312 TFLOP/s"""
    for unit, one in (("TFLOP/s", 1e12), ("GFLOP/s", 1e9)):
        if abs(value) >= one:
            return _with(value / one, f" {unit}")
    return _with(value, " FLOP/s")


def traffic(value: float) -> str:
    """Bytes per second: 20 GB/s"""
    return f"{size(value)}/s"


def plain(value: float) -> str:
    return _three(value)


def count(value: float) -> str:
    """100,352,000"""
    return f"{value:,.0f}" if math.isfinite(value) else _three(value)


def between(found: Interval, show: Show) -> str:
    """``1.62x (1.58x to 1.66x)``; without bounds if they read like the point."""
    point, low, high = show(found.point), show(found.low), show(found.high)
    return point if point == low == high else f"{point} ({low} to {high})"


def reach(low: float, high: float, show: Show) -> str:
    """A range in words, with its open end said."""
    if math.isinf(high):
        return f"at least {show(low)}"
    if math.isinf(low):
        return f"at most {show(high)}"
    return f"{show(low)} to {show(high)}"


def _with(value: float, unit: str) -> str:
    return _three(value) + (unit if math.isfinite(value) else "")


def _three(value: float) -> str:
    """Three significant digits, never in powers of ten below a million."""
    if not math.isfinite(value):
        return {math.inf: "infinity", -math.inf: "-infinity"}.get(value, "unknown")
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 6)}f}" if abs(value) < 1e6 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text
