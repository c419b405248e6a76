"""Tests and bounds against known values, and the power that is told against simulation."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import significance


def test_no_false_alarm_of_sixty_is_at_most_five_percent() -> None:
    """1 - 0.05^(1/n), the rule of three."""
    assert significance.at_most(0, 60) == pytest.approx(1 - 0.05 ** (1 / 60))
    assert significance.at_least(60, 60) == pytest.approx(0.05 ** (1 / 60))
    assert (significance.at_most(0, 0), significance.at_least(0, 0)) == (1.0, 0.0)
    assert significance.at_most(3, 3) == 1.0


@given(st.integers(0, 50), st.integers(1, 50))
def test_bounds_are_those_of_scipys_exact_interval_and_hold_the_share(found: int, more: int) -> None:
    from scipy.stats import binomtest

    n = found + more
    exact = binomtest(found, n, alternative="less").proportion_ci(0.95, "exact")
    assert significance.at_most(found, n) == pytest.approx(exact.high)
    assert significance.at_least(found, n) <= found / n <= significance.at_most(found, n)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1))
def test_an_adjusted_p_is_no_smaller_and_keeps_the_order(found: dict[str, float]) -> None:
    adjusted = significance.discoveries(found)
    assert adjusted.keys() == found.keys()
    assert all(adjusted[name] >= p * (1 - 1e-12) for name, p in found.items())
    order = sorted(found, key=lambda name: found[name])
    assert [adjusted[name] for name in order] == sorted(adjusted.values())
    assert significance.discoveries({}) == {}


@pytest.mark.parametrize("n", [4, 10])
def test_a_change_of_the_size_that_is_told_is_found_that_often(n: int) -> None:
    again = significance.CONFIRMS[-1][0]
    effect = significance.detectable(0.03, n, again, 0.9)
    dice = numpy.random.default_rng(n)
    from scipy.stats import ttest_1samp

    first = ttest_1samp(dice.normal(effect, 0.03, (20_000, n)), 0, axis=1).pvalue < 0.05
    second = dice.normal(effect, 0.03, (20_000, again))
    looks = [
        ttest_1samp(second[:, :number], 0, axis=1, alternative="greater").pvalue < error
        for number, error in significance.CONFIRMS
        if number > significance.POOLED
    ]
    assert float(numpy.mean(first & looks[-1])) == pytest.approx(0.9, abs=0.01)
    assert 0.9 <= float(numpy.mean(first & numpy.any(looks, axis=0))) <= 0.94


SHARP, ROUGH = [0.05, 0.051, 0.049], [0.05, 0.02, 0.08]


def test_a_plain_change_takes_two_launches_to_confirm_and_a_reversed_one_is_none() -> None:
    assert significance.confirmed(SHARP, [0.05, 0.051], up=True)
    assert not significance.confirmed(SHARP, [0.05], up=True)
    assert not significance.confirmed(SHARP, SHARP, up=False)
    assert significance.confirmed([-value for value in SHARP], [-0.05, -0.051], up=False)


def test_one_in_noise_takes_more() -> None:
    assert not significance.confirmed(ROUGH, [0.05, 0.051], up=True), (
        "two that agree are not taken at their word"
    )
    assert significance.confirmed(ROUGH, SHARP, up=True)
    assert not significance.confirmed(ROUGH, [0.05, 0.0, -0.05, 0.05], up=True)
    assert significance.confirmed(ROUGH, [0.05, 0.02, 0.08, 0.05, 0.05, 0.05], up=True)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6), st.lists(st.floats(-1, 1), min_size=2, max_size=3))
def test_pooled_is_the_regression_on_which_look_it_was(first: list[float], again: list[float]) -> None:
    """Two means and one spread: the t of the second's mean in ordinary least squares."""
    import numpy.linalg

    design = numpy.array([[1.0, 0.0]] * len(first) + [[0.0, 1.0]] * len(again))
    values = numpy.array([*first, *again])
    means, _, _, _ = numpy.linalg.lstsq(design, values, rcond=None)
    spread = float(((values - design @ means) ** 2).sum()) / (len(values) - 2)
    if spread < 1e-12:
        return
    from scipy.stats import t

    expected = float(t.sf(means[1] / math.sqrt(spread / len(again)), len(values) - 2))
    assert significance.pooled(first, again, up=True) == pytest.approx(expected, abs=1e-9)
    assert significance.pooled(first, again, up=False) == pytest.approx(1 - expected, abs=1e-9)


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=8).filter(
        lambda values: max(values) - min(values) > 1e-6
    ),
    st.sampled_from(["two-sided", "greater", "less"]),
)
def test_p_is_that_of_scipys_t_test(values: list[float], alternative: str) -> None:
    from scipy.stats import ttest_1samp

    expected = ttest_1samp(values, 0.0, alternative=alternative).pvalue
    assert significance.p_value(values, alternative) == pytest.approx(expected, rel=1e-6)


def test_values_that_are_all_equal_are_no_change_or_one_beyond_doubt() -> None:
    assert significance.p_value([0.0, 0.0]) == 1.0
    assert significance.p_value([0.1, 0.1]) == 0.0
    assert significance.p_value([0.1, 0.1], "less") == 1.0
    assert significance.p_value([0.1]) == 1.0


def drawn(freedom: float, scale: float, cases: int, launches: int) -> list[list[float]]:
    """Log ratios of cases whose variances are scaled inverse chi-squared."""
    dice = numpy.random.default_rng(7)
    deviations = scale * numpy.sqrt(freedom / dice.chisquare(freedom, cases))
    return [list(dice.normal(0, one, launches)) for one in deviations]


@pytest.mark.parametrize("freedom", [2.0, 5.0])
def test_the_spread_that_cases_were_drawn_from_is_fitted(freedom: float) -> None:
    found = significance.spread(drawn(freedom, 0.02, 4000, 4))
    assert found.freedom == pytest.approx(freedom, rel=0.15)
    assert math.sqrt(found.variance) == pytest.approx(0.02, rel=0.05)


def test_cases_that_all_vary_alike_are_worth_no_more_than_four_of_three_launches() -> None:
    found = significance.spread(drawn(1e6, 0.02, 400, 3))
    assert found.freedom == significance.WORTH
    assert math.sqrt(found.variance) == pytest.approx(0.02, rel=0.1)


def test_a_few_cases_or_such_without_a_spread_tell_nothing_of_each_other() -> None:
    few = drawn(5.0, 0.02, significance.CASES - 1, 3)
    assert significance.spread(few) == significance.OWN
    assert significance.spread([*few, [0.1, 0.1, 0.1], [0.1], []]) == significance.OWN
    assert significance.spread([*few, ROUGH]) != significance.OWN


def test_what_the_others_vary_by_makes_three_launches_tell_more_and_chance_agreement_less() -> None:
    others = significance.Spread(4.0, 0.02**2)
    assert significance.p_value(ROUGH) > 0.05 > significance.p_value(ROUGH, others=others)
    assert significance.p_value(SHARP, others=others) > significance.p_value(SHARP)


def test_the_errors_of_all_looks_sum_to_that_of_one_test() -> None:
    assert sum(error for _, error in significance.CONFIRMS) == pytest.approx(significance.ALPHA)


def test_what_is_found_at_the_ends() -> None:
    assert significance.detectable(0.03, 1, 5) == math.inf
    assert significance.detectable(0.0, 4, 5) == 0.0
    assert significance.detectable(0.06, 4, 5) == pytest.approx(
        2 * significance.detectable(0.03, 4, 5), rel=1e-2
    )
