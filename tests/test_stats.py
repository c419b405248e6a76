"""The statistics against scipy and against hand arithmetic; test_coverage.py simulates what they cover."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from statistics import fmean

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness import quantiles, stats
from harness.stats import Interval

EFFECTS = st.lists(st.floats(-2, 2), min_size=2, max_size=12)
TIMES = st.floats(1e-6, 1e3)
BLOCKS = st.lists(st.lists(TIMES, min_size=1, max_size=5), min_size=2, max_size=8)


def rounds(baseline: list[list[float]], variant: list[list[float]]) -> list[float]:
    return stats.rounds(stats.medians(baseline), stats.medians(variant))


def test_a_round_is_the_mean_of_its_two_mirrored_visits() -> None:
    baseline = [[1.0], [2.0], [1.0], [1.0]]
    variant = [[2.0], [2.0], [4.0], [1.0]]
    assert rounds(baseline, variant) == pytest.approx([math.log(2) / 2, math.log(4) / 2])


def test_a_linear_drift_cancels_in_every_round() -> None:
    """A B B A while everything slows by the same factor from visit to visit."""
    drift = [1.1**place for place in range(4)]
    baseline = [[drift[0]], [drift[3]]]
    variant = [[3 * drift[1]], [3 * drift[2]]]
    assert rounds(baseline, variant) == pytest.approx([math.log(3)])


def test_an_interrupted_step_does_not_move_its_block() -> None:
    assert rounds([[1.0, 1.0, 50.0]] * 2, [[2.0, 2.0, 2.0]] * 2) == pytest.approx([math.log(2)])


def test_what_only_one_side_has_is_no_round() -> None:
    assert rounds([[1.0]] * 2, [[1.0]] * 5) == [0.0]
    assert rounds([], [[1.0], [1.0]]) == []


def test_a_last_visit_alone_is_a_round() -> None:
    assert rounds([[1.0]], [[2.0]]) == [pytest.approx(math.log(2))]
    assert rounds([[1.0]] * 3, [[1.0], [1.0], [2.0]]) == [0.0, pytest.approx(math.log(2))]


@pytest.mark.parametrize("bad", [[], [0.0]])
def test_a_block_without_a_time_makes_no_round(bad: list[float]) -> None:
    assert rounds([bad, [1.0], [1.0], [1.0]], [[1.0]] * 4) == [0.0]


@given(BLOCKS, BLOCKS)
def test_swapping_baseline_and_variant_swaps_the_sign(
    one: list[list[float]], other: list[list[float]]
) -> None:
    forth, back = rounds(one, other), rounds(other, one)
    assert forth == pytest.approx([-value for value in back], abs=1e-9)


@given(BLOCKS, st.floats(0.1, 10))
def test_a_constant_factor_is_found_exactly(blocks: list[list[float]], factor: float) -> None:
    slower = [[factor * seconds for seconds in block] for block in blocks]
    assert rounds(blocks, slower) == pytest.approx([math.log(factor)] * ((len(blocks) + 1) // 2), abs=1e-9)


def test_a_launch_counts_by_the_median_of_its_rounds() -> None:
    assert stats.launch_effect([0.1, 5.0, 0.2]) == 0.2


def test_ratio_by_hand() -> None:
    found = stats.ratio([math.log(2) - 0.1, math.log(2), math.log(2) + 0.1])
    half = 4.84873 * 0.1 / math.sqrt(3)
    assert found.point == pytest.approx(2)
    assert (found.low, found.high) == pytest.approx((2 * math.exp(-half), 2 * math.exp(half)), rel=1e-5)
    assert found.n == 3


def test_one_launch_gives_an_unbounded_interval() -> None:
    assert stats.ratio([0.5]) == Interval(math.exp(0.5), 0.0, math.inf, 1)
    assert stats.ratio([0.5]).half_width == math.inf


@given(EFFECTS)
def test_the_interval_of_a_slowdown_is_the_inverse_of_the_speedups(effects: list[float]) -> None:
    forth = stats.ratio(effects).inverse()
    back = stats.ratio([-effect for effect in effects])
    assert (forth.point, forth.low, forth.high) == pytest.approx((back.point, back.low, back.high), rel=1e-9)


@given(EFFECTS)
def test_the_point_lies_within_and_agreement_narrows(effects: list[float]) -> None:
    found = stats.ratio(effects)
    assert found.low <= found.point <= found.high
    assert stats.ratio([fmean(effects)] * len(effects)).half_width == pytest.approx(0, abs=1e-9)


@given(BLOCKS, BLOCKS, st.floats(0.01, 100))
def test_the_unit_of_time_does_not_matter(
    one: list[list[float]], other: list[list[float]], unit: float
) -> None:
    scaled = [[[unit * seconds for seconds in block] for block in blocks] for blocks in (one, other)]
    assert rounds(*scaled) == pytest.approx(rounds(one, other), abs=1e-9)


@given(EFFECTS, st.floats(-2, 2))
def test_a_change_of_all_launches_moves_the_interval_and_not_its_width(
    effects: list[float], more: float
) -> None:
    before, after = stats.mean(effects), stats.mean([effect + more for effect in effects])
    assert (after.low, after.high) == pytest.approx((before.low + more, before.high + more), abs=1e-9)


@given(EFFECTS, st.integers(2, 5))
def test_more_launches_that_vary_alike_never_widen_it(effects: list[float], times: int) -> None:
    before, after = stats.mean(effects), stats.mean(effects * times)
    assert after.point == pytest.approx(before.point, abs=1e-9)
    assert after.high - after.low <= (before.high - before.low) * (1 + 1e-9) + 1e-12


@given(EFFECTS, st.randoms())
def test_the_order_of_launches_does_not_matter(effects: list[float], dice: random.Random) -> None:
    shuffled = dice.sample(effects, len(effects))
    assert stats.ratio(shuffled).high == pytest.approx(stats.ratio(effects).high)


@given(st.lists(TIMES, min_size=2, max_size=12))
def test_the_level_is_the_geometric_mean(values: list[float]) -> None:
    assert stats.level(values).point == pytest.approx(
        math.prod(v ** (1 / len(values)) for v in values), rel=1e-6
    )


def test_half_width_is_relative() -> None:
    assert Interval(2.0, 1.9, 2.1, 3).half_width == pytest.approx(0.05)
    assert Interval(5.0, 5.0, 5.0, 1).half_width == 0.0
    assert Interval(0.0, -1.0, 1.0, 3).half_width == math.inf


@pytest.mark.parametrize("n", [*range(2, 40), 100, 1000])
def test_student_agrees_with_scipy(n: int) -> None:
    from scipy.stats import t

    assert stats.student(n) == pytest.approx(t.ppf(0.98, n - 1), abs=2e-4)


@given(EFFECTS)
def test_mean_agrees_with_scipy(effects: list[float]) -> None:
    from scipy.stats import sem, t

    assume(sem(effects) > 1e-6)
    low, high = t.interval(0.96, len(effects) - 1, loc=fmean(effects), scale=sem(effects))
    found = stats.mean(effects)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-3, abs=1e-3)


def test_spread_is_the_interquartile_range_of_numpy() -> None:
    import numpy

    values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]
    low, high = numpy.percentile(values, [25, 75])
    assert stats.spread(values) == pytest.approx(high - low)
    assert stats.spread([1.0]) == 0.0


@given(st.lists(TIMES, min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 0.99]))
def test_the_quantile_is_the_nearest_rank_and_lies_within_its_bounds(samples: list[float], q: float) -> None:
    import numpy

    found = quantiles.quantile(sorted(samples), q)
    assert found.point == numpy.quantile(samples, q, method="inverted_cdf")
    assert found.low <= found.point <= found.high


def test_of_many_samples_evenly_spaced_ones_keep_the_distribution_and_its_ends() -> None:
    assert quantiles.evenly(range(10), 10) == tuple(range(10))
    many = range(0, 20_002, 2)
    some = quantiles.evenly(many, 1_001)
    assert len(some) == 1_001
    assert (some[0], some[500], some[-1]) == (0, 10_000, 20_000)
    assert quantiles.evenly((), 5) == ()


def test_an_upper_bound_of_p99_takes_299_samples() -> None:
    assert quantiles.samples_needed(0.99) == 299
    assert quantiles.samples_needed(0.95) == 59
    assert quantiles.quantile(range(298), 0.99).high == math.inf
    assert quantiles.quantile(range(299), 0.99).high == 298


@pytest.mark.parametrize("n", [1, 14, 59, 300, 5000, 60_000])
@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 0.99])
def test_order_statistics_are_the_binomial_ones_of_scipy(n: int, q: float) -> None:
    from scipy.stats import binom

    exact = int(binom.ppf(0.95, n, q)) + 1
    assert exact <= quantiles._order(n, q) <= exact + 2  # Never narrower, at most two samples wider.


def test_quantile_bounds_cover() -> None:
    dice = random.Random(7)
    found = [quantiles.quantile(sorted(dice.expovariate(1) for _ in range(60)), 0.5) for _ in range(2000)]
    assert fmean(one.high >= math.log(2) for one in found) >= 0.945
    assert fmean(one.low <= math.log(2) for one in found) >= 0.945


def test_a_quantile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="samples"):
        quantiles.quantile([], 0.5)


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=40, unique=True))
def test_the_slope_agrees_with_scipy(y: list[int]) -> None:
    from scipy.stats import theilslopes

    expected = theilslopes(y, range(len(y)))
    found = stats.slope(range(len(y)), y)
    assert found.point == pytest.approx(expected.slope)
    assert (found.low, found.high) == pytest.approx((expected.low_slope, expected.high_slope))


@given(st.floats(-100, 100), st.integers(2, 400))
def test_a_line_has_its_slope_also_when_it_is_long(k: float, n: int) -> None:
    found = stats.slope(range(n), [k * x for x in range(n)])
    assert (found.point, found.low, found.high) == pytest.approx((k, k, k), abs=1e-6)


def test_a_slope_withstands_outliers() -> None:
    y = [10.0 * x for x in range(20)]
    y[3] = y[17] = 1e9
    assert stats.slope(range(20), y).point == pytest.approx(10)


def test_a_slope_over_one_place_is_refused() -> None:
    with pytest.raises(ValueError, match="distinct"):
        stats.slope([1, 1], [2, 3])


@given(st.floats(0.1, 3), st.floats(0.1, 1e6))
def test_a_power_law_has_its_exponent(k: float, c: float) -> None:
    found = stats.exponent([2, 4, 8], [c * x**k for x in (2, 4, 8)])
    assert (found.point, found.low, found.high) == pytest.approx((k, k, k), rel=1e-6)


def test_three_points_off_the_law_give_all_their_slopes_as_bounds() -> None:
    found = stats.exponent([1, 2, 4], [1, 2, 8])
    assert (found.low, found.point, found.high) == pytest.approx((1.0, 1.5, 2.0))


def test_launches_needed_reaches_the_width_and_no_sooner() -> None:
    effects = [0.0, 0.04, -0.04, 0.02, -0.02]
    n = stats.launches_needed(effects, 0.02)
    assert n is not None
    deviation = math.sqrt(sum(e * e for e in effects) / 4)
    assert (
        stats.student(n) * deviation / math.sqrt(n)
        <= 0.02
        < stats.student(n - 1) * deviation / math.sqrt(n - 1)
    )


def test_launches_needed_at_the_ends() -> None:
    assert stats.launches_needed([0.1], 0.05) == 3
    assert stats.launches_needed([0.1, 0.1], 0.05) == 2
    assert stats.launches_needed([0.1, 0.2], 0.0) is None
    assert stats.launches_needed([-5.0, 5.0], 1e-6) is None


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, harness.judge; print({'torch', 'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_contrast_of_two_is_welchs_interval() -> None:
    from scipy.stats import ttest_ind

    dice = random.Random(3)
    for sizes in [(12, 12), (30, 9), (8, 40)]:
        a, b = (
            [dice.gauss(spread, spread) for _ in range(n)] for n, spread in zip(sizes, (1, 3), strict=True)
        )
        expected = ttest_ind(b, a, equal_var=False).confidence_interval(0.96)
        found = stats.contrast([-1.0, 1.0], [a, b])
        assert found.low <= expected.low
        assert expected.high <= found.high
        assert found.high - found.low < 1.02 * (expected.high - expected.low)


def test_one_value_bounds_nothing() -> None:
    found = stats.contrast([-1.0, 1.0], [[1.0], [2.0, 2.1]])
    assert (found.low, found.high, found.n) == (-math.inf, math.inf, 1)


def test_its_interval_holds_the_truth_in_95_of_100() -> None:
    dice, weights, spreads = random.Random(5), [-0.5, 0.1, 0.4], (0.02, 0.05, 0.1)
    held = 0
    for _ in range(2000):
        samples = [[dice.gauss(0, spread) for _ in range(6)] for spread in spreads]
        found = stats.contrast(weights, samples)
        held += found.low <= 0 <= found.high
    assert 0.94 <= held / 2000 <= 0.98
