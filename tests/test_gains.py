"""One speedup against others: launch by launch where they were timed together, and only there."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import pytest
from scipy.stats import ttest_ind

from harness.gains import contrast
from harness.verdict import INCONCLUSIVE, NOT_MEASURED, REVERSED
from tests import handmade as hand
from tests.handmade import one

KV = {"benchmark": "kv-cache", "technique": "caching", "phase": "generate"}
DYNAMIC = hand.claim(
    technique="caching", phase="generate", variants=["static"], figure="over_dynamic", range=[1.5, 4.5]
)


def test_a_launch_that_one_of_them_missed_shifts_no_pair() -> None:
    cases = hand.group("off", "dynamic", "static", **KV)
    paces = [1.0, 2.0, 4.0, 8.0]  # The machine; static is always twice as fast as dynamic.
    seconds: list[dict[str, float]] = [{"off": 1.0, "dynamic": pace, "static": pace / 2} for pace in paces]
    del seconds[0]["dynamic"], seconds[3]["static"]
    found = one(hand.run(cases, launches=hand.timed(cases, seconds)), DYNAMIC).found
    assert found is not None
    assert (found.value.point, found.value.low, found.value.n) == pytest.approx((2, 2, 2))


def test_without_a_launch_of_both_there_is_no_ratio() -> None:
    cases = hand.group("off", "dynamic", "static", **KV)
    launches = hand.timed(cases, [{"off": 1.0, "dynamic": 1.0}, {"off": 1.0, "static": 1.0}])
    found = one(hand.run(cases, launches=launches), DYNAMIC)
    assert (found.verdict, found.reason) == (NOT_MEASURED, "no launch timed both it and dynamic")


def generated(speedups: Mapping[int, Sequence[float]]) -> hand.HandRun:
    groups = {new: hand.group("off", "dynamic", **KV, new=new) for new in speedups}
    launches = [
        launch
        for new, cases in groups.items()
        for launch in hand.timed(cases, [{"off": each, "dynamic": 1.0} for each in speedups[new]])
    ]
    return hand.run(*groups.values(), launches=launches)


def test_launches_of_two_lengths_are_no_pairs_though_they_rise_and_fall_together() -> None:
    short, long = [1.0, 1.5, 2.0, 2.5], [1.1, 1.65, 2.2, 2.75]
    found = one(generated({8: short, 64: long}), "kv-cache.001")
    assert found.found is not None
    assert found.found.value.point == pytest.approx(1.1)
    assert found.verdict == INCONCLUSIVE
    assert one(generated({8: short, 64: [each / 4 for each in long]}), "kv-cache.001").verdict == REVERSED


def test_as_many_launches_as_there_are_count_of_each_length() -> None:
    found = one(generated({8: [1.0] * 3 + [9.0], 64: [2.0] * 3}), "kv-cache.001").found
    assert found is not None
    assert found.value.point == pytest.approx(2 / 9**0.25)


def test_a_contrast_of_two_is_welchs_interval() -> None:
    dice = random.Random(3)
    for sizes in [(12, 12), (30, 9), (8, 40)]:
        a, b = (
            [dice.gauss(spread, spread) for _ in range(n)] for n, spread in zip(sizes, (1, 3), strict=True)
        )
        expected = ttest_ind(b, a, equal_var=False).confidence_interval(0.96)
        found = contrast([-1.0, 1.0], [a, b])
        assert found.low <= expected.low
        assert expected.high <= found.high
        assert found.high - found.low < 1.02 * (expected.high - expected.low)


def test_one_value_bounds_nothing() -> None:
    found = contrast([-1.0, 1.0], [[1.0], [2.0, 2.1]])
    assert (found.low, found.high, found.n) == (-math.inf, math.inf, 1)


def test_its_interval_holds_the_truth_in_95_of_100() -> None:
    dice, weights, spreads = random.Random(5), [-0.5, 0.1, 0.4], (0.02, 0.05, 0.1)
    held = 0
    for _ in range(2000):
        samples = [[dice.gauss(0, spread) for _ in range(6)] for spread in spreads]
        found = contrast(weights, samples)
        held += found.low <= 0 <= found.high
    assert 0.94 <= held / 2000 <= 0.98
