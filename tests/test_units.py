"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from harness import units
from harness.stats import Interval


@pytest.mark.parametrize(
    ("show", "value", "expected"),
    [
        (units.times, 1.6249, "1.62x"),
        (units.times, 2.0, "2x"),
        (units.times, 12.345, "12.3x"),
        (units.times, 0.04567, "0.0457x"),
        (units.percent, 0.3141, "31.4 %"),
        (units.percent, -0.05, "-5 %"),
        (units.seconds, 0.05, "50 ms"),
        (units.seconds, 1.5, "1.5 s"),
        (units.seconds, 120.4, "120 s"),
        (units.seconds, 2.5e-6, "2.5 us"),
        (units.seconds, 3e-9, "3 ns"),
        (units.size, 16e9, "16 GB"),
        (units.size, 675_900_000, "676 MB"),
        (units.size, 12, "12 B"),
        (units.count, 100_352_000, "100,352,000"),
        (units.plain, 0, "0"),
        (units.plain, 1234.5, "1,234"),
        (units.plain, 6.5e14, "6.5e+14"),
        (units.rate, 12.0, "12 samples/s"),
        (units.times, math.inf, "infinity"),
        (units.plain, math.nan, "unknown"),
    ],
)
def test_numbers(show: Callable[[float], str], value: float, expected: str) -> None:
    assert show(value) == expected


def test_intervals() -> None:
    assert units.between(Interval(1.6, 1.5, 1.7, 3), units.times) == "1.6x (1.5x to 1.7x)"
    assert units.between(Interval(1.6, 1.6, 1.6, 1), units.times) == "1.6x"


def test_ranges() -> None:
    assert units.reach(1.5, 2.0, units.times) == "1.5x to 2x"
    assert units.reach(1.0, math.inf, units.times) == "at least 1x"
    assert units.reach(-math.inf, 0.02, units.percent) == "at most 2 %"
