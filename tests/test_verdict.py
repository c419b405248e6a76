"""How an interval becomes a verdict."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import Interval
from harness.verdict import CONFIRMED, EXCEEDED, INCONCLUSIVE, REVERSED, SHORT, verdict


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.6, 1.9, CONFIRMED),
        (1.5, 2.0, CONFIRMED),
        (2.1, 2.3, EXCEEDED),
        (1.1, 1.3, SHORT),
        (0.99, 1.3, SHORT),
        (0.7, 0.9, REVERSED),
        (1.4, 1.6, INCONCLUSIVE),
        (1.9, 2.1, INCONCLUSIVE),
        (0.5, 3.0, INCONCLUSIVE),
        (0.0, math.inf, INCONCLUSIVE),
        (1.6, math.inf, INCONCLUSIVE),
        (math.nan, math.nan, INCONCLUSIVE),
    ],
)
def test_a_speedup_claimed_to_be_1_5_to_2(low: float, high: float, expected: str) -> None:
    assert verdict(Interval(1.7, low, high, 3), (1.5, 2.0), "higher", 1.0) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.8, 0.9, CONFIRMED),
        (1.01, 1.1, REVERSED),
        (0.5, 0.6, SHORT),
        (0.995, 0.999, EXCEEDED),
        (0.98, 1.02, INCONCLUSIVE),
    ],
)
def test_a_cost_claimed_to_be_slight(low: float, high: float, expected: str) -> None:
    assert verdict(Interval(1.0, low, high, 3), (0.70, 0.99), "higher", 1.0) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.01, CONFIRMED),
        (-0.1, 0.01, CONFIRMED),
        (0.03, 0.05, SHORT),
        (0.01, 0.03, INCONCLUSIVE),
        (math.inf, math.inf, SHORT),
    ],
)
def test_a_loss_is_mirrored(low: float, high: float, expected: str) -> None:
    assert verdict(Interval(low, low, high, 3), (-math.inf, 0.02), "lower", None) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.25, 0.5, CONFIRMED), (1.0, 1.0, SHORT), (0.0, 0.1, SHORT), (0.4, 0.6, INCONCLUSIVE)],
)
def test_a_place_is_missed_on_either_side(low: float, high: float, expected: str) -> None:
    assert verdict(Interval(low, low, high, 3), (0.25, 0.5), "within", None) == expected


@pytest.mark.parametrize(
    ("exactly", "bounds", "expected"),
    [
        (1.0, (1.0, math.inf), SHORT),
        (1.0, (0.97, 1.03), CONFIRMED),
        (1.0, (0.5, 1.0), EXCEEDED),
        (1.001, (1.0, math.inf), CONFIRMED),
    ],
)
def test_a_claimed_gain_is_more_than_none(exactly: float, bounds: tuple[float, float], expected: str) -> None:
    assert verdict(Interval(exactly, exactly, exactly, 3), bounds, "higher", 1.0) == expected


def test_less_of_what_should_be_low_is_more_than_claimed() -> None:
    assert verdict(Interval(0.1, 0.1, 0.2, 3), (0.4, 0.6), "lower", 1.0) == EXCEEDED
    assert verdict(Interval(1.1, 1.05, 1.2, 3), (0.4, 0.6), "lower", 1.0) == REVERSED


ENDS = st.floats(allow_nan=True, allow_infinity=True)


@given(ENDS, ENDS, ENDS, st.floats(0.1, 5), st.floats(0, 5), st.sampled_from(["higher", "lower"]))
def test_yes_only_if_the_whole_interval_says_so(
    point: float, low: float, high: float, bound: float, width: float, better: str
) -> None:
    if verdict(Interval(point, low, high, 3), (bound, bound + width), better, 1.0) == CONFIRMED:
        assert bound <= low
        assert high <= bound + width
