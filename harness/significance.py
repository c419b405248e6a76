"""Tests of significance: of one comparison, of a suite of them, and of what a calibration counted.

A comparison is Student's t over launches (see `stats`). Over a suite the false discovery rate is held
(Benjamini and Hochberg, JRSS B 57, 1995): of the changes that are said, a share of alpha at most is none.
Tests of the cases of one suite are independent, or hang together as the method allows: one machine's noise
moves them alike. Shares that were counted have exact bounds (Clopper and Pearson, Biometrika 26, 1934).

scipy has these methods; it is imported as they are used, for that takes longer than to judge a run.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from statistics import fmean

#: No test takes more than this for unlikely.
ALPHA = 0.05
#: What looks like a change is measured again: by so many launches it is told, one-sided, at this error. The
#: errors sum to ALPHA, so that a change which is none is told by chance that often (Boole), though it is
#: looked at more than once; and a plain change takes two launches, one in noise up to eight.
CONFIRMS = ((2, 0.002), (3, 0.018), (5, 0.015), (8, 0.015))
#: Up to so many have too little spread of their own to be held against. They are held against that of the
#: first look as well, which is too small: what agreed by chance was chosen. Hence so small an error. In a
#: simulation 0.27 % of comparisons of nothing with nothing were told, and 0.2 % without.
POOLED = 2


def p_value(values: Sequence[float], alternative: str = "two-sided") -> float:
    """Of Student's t test that the mean is 0; 1 for fewer than two values."""
    from scipy import stats

    if len(values) < 2:
        return 1.0
    if max(values) == min(values):  # No spread: equal, or changed beyond any doubt.
        right = values[0] > 0 if alternative == "greater" else values[0] < 0
        return float(not (values[0] if alternative == "two-sided" else right))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Nearly equal values lose digits: of no matter here.
        return float(stats.ttest_1samp(values, 0.0, alternative=alternative).pvalue)


def confirmed(first: Sequence[float], again: Sequence[float], *, up: bool) -> bool:
    """Whether the launches `again`, in their order, show the change in the direction that `first` showed."""
    alternative = "greater" if up else "less"

    def p(n: int) -> float:
        return pooled(first, again[:n], up=up) if n <= POOLED else p_value(again[:n], alternative)

    return any(len(again) >= n and p(n) < error for n, error in CONFIRMS)


def pooled(first: Sequence[float], again: Sequence[float], *, up: bool) -> float:
    """p of the mean of `again` against 0, one-sided, where both have one spread about means of their own."""
    from scipy import stats

    n, freedom = len(again), len(first) + len(again) - 2
    mean = fmean(again) if up else -fmean(again)
    squares = sum((value - fmean(values)) ** 2 for values in (first, again) for value in values)
    if not squares or freedom < 1:
        return float(mean <= 0 or freedom < 1)
    return float(stats.t.sf(mean * math.sqrt(n * freedom / squares), freedom))


def discoveries(found: Mapping[str, float]) -> dict[str, float]:
    """p values adjusted so that of those under alpha a share of alpha at most is false."""
    from scipy import stats

    if not found:
        return {}
    adjusted = stats.false_discovery_control(list(found.values()))
    return {name: float(p) for name, p in zip(found, adjusted, strict=True)}


def at_most(found: int, n: int) -> float:
    """The upper bound at 95 %, one-sided, of a share of which `found` of `n` were counted; 1 for none."""
    from scipy import stats

    return float(stats.beta.ppf(0.95, found + 1, n - found)) if found < n else 1.0


def at_least(found: int, n: int) -> float:
    """The lower bound at 95 %, one-sided; 0 for none."""
    return 1 - at_most(n - found, n)


def detectable(deviation: float, first: int, again: int, power: float = 0.95) -> float:
    """The smallest log ratio that a comparison finds with that power; infinite for too few launches.

    Launches vary by `deviation`. Both looks must tell it: the first two-sided over `first` launches, the
    second one-sided over `again`; that fewer of these may tell it adds a little. The power of a t test is
    that of the noncentral t (Cohen, 1988).
    """
    from scipy import optimize, stats

    if min(first, again) < 2 or not math.isfinite(deviation):
        return math.inf
    if deviation == 0:
        return 0.0

    def lacking(effect: float) -> float:
        looks = [(first, 1 - ALPHA / 2), (again, 1 - CONFIRMS[-1][1])]
        told = [
            float(stats.nct.sf(stats.t.ppf(q, n - 1), n - 1, effect * math.sqrt(n) / deviation))
            for n, q in looks
        ]
        return math.prod(told) - power

    return float(optimize.brentq(lacking, 0.0, 30 * deviation, xtol=1e-3 * deviation))
