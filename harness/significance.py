"""Tests of significance: of one comparison, of a suite of them, and of what a calibration counted.

A comparison is Student's t over launches (see `stats`). Over a suite the false discovery rate is held
(Benjamini and Hochberg, JRSS B 57, 1995): of the changes that are said, a share of alpha at most is none.
Tests of the cases of one suite are independent, or hang together as the method allows: one machine's noise
moves them alike. Shares that were counted have exact bounds (Clopper and Pearson, Biometrika 26, 1934).

Three launches hardly tell what launches of a case vary by: t must be 4.3. The other cases of a suite tell it
too, as far as they agree: where it is asked what looks changed, t is moderated (Smyth, Stat. Appl. Genet.
Mol. Biol. 3:1, 2004). That supposes that the variances of cases are drawn from one scaled inverse chi-squared
distribution, which is fitted, and takes too much for unlikely in a case that is much noisier than the others.
So what looks changed is told by launches of its own alone, see `confirmed`.

scipy has these methods; it is imported as they are used, for that takes longer than to judge a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

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


@dataclass(frozen=True)
class Spread:
    """What launches of the other cases vary by: a variance, worth so many degrees of freedom."""

    freedom: float = 0.0
    variance: float = 0.0


#: Each case knows its own alone.
OWN = Spread()
#: Of fewer cases it is not known how their variances differ.
CASES = 10
#: Degrees of freedom that the others are worth at most: four times what three launches have of their own.
WORTH = 8.0


def spread(samples: Iterable[Sequence[float]]) -> Spread:
    """What cases have in common, of which `samples` has the log ratios; OWN for fewer than CASES.

    The fit is by the moments of the log variances, section 6.2 of Smyth: what they differ by beyond chance is
    trigamma(freedom / 2).
    """
    from scipy import optimize
    from scipy.special import digamma, polygamma

    known = [(len(one) - 1, squares) for one in samples if len(one) > 1 and (squares := _squares(one))]
    if len(known) < CASES:
        return OWN
    logs = [math.log(squares / n) + math.log(n / 2) - float(digamma(n / 2)) for n, squares in known]
    beyond = variance(logs) - fmean(float(polygamma(1, n / 2)) for n, _ in known)
    half = WORTH / 2
    if beyond > polygamma(1, half):
        half = float(optimize.brentq(lambda x: float(polygamma(1, x)) - beyond, 1e-3, half))
    return Spread(2 * half, math.exp(fmean(logs) + float(digamma(half)) - math.log(half)))


def p_value(values: Sequence[float], alternative: str = "two-sided", others: Spread = OWN) -> float:
    """Of Student's t test that the mean is 0, moderated by `others`; 1 for fewer than two values."""
    if len(values) < 2:
        return 1.0
    n = len(values)
    squares, freedom = _squares(values) + others.freedom * others.variance, n - 1 + others.freedom
    return _tail(fmean(values), n, squares, freedom, alternative)


def _squares(values: Sequence[float]) -> float:
    """Of the deviations from their mean; none where all are equal."""
    middle = fmean(values)
    return math.fsum((value - middle) ** 2 for value in values) if max(values) > min(values) else 0.0


def _tail(mean: float, n: int, squares: float, freedom: float, alternative: str) -> float:
    """p of a mean of `n` values whose spread is known from `squares`, of so many degrees of freedom."""
    from scipy import stats

    signed = {"two-sided": abs(mean), "greater": mean, "less": -mean}[alternative]
    if not squares:  # No spread: equal, or changed beyond any doubt.
        return float(signed <= 0)
    tail = float(stats.t.sf(signed * math.sqrt(n * freedom / squares), freedom))
    return 2 * tail if alternative == "two-sided" else tail


def confirmed(first: Sequence[float], again: Sequence[float], *, up: bool) -> bool:
    """Whether the launches `again`, in their order, show the change in the direction that `first` showed."""
    alternative = "greater" if up else "less"

    def p(n: int) -> float:
        return pooled(first, again[:n], up=up) if n <= POOLED else p_value(again[:n], alternative)

    return any(len(again) >= n and p(n) < error for n, error in CONFIRMS)


def pooled(first: Sequence[float], again: Sequence[float], *, up: bool) -> float:
    """p of the mean of `again` against 0, one-sided, where both have one spread about means of their own."""
    freedom = len(first) + len(again) - 2
    if freedom < 1:
        return 1.0
    squares = _squares(first) + _squares(again)
    return _tail(fmean(again), len(again), squares, freedom, "greater" if up else "less")


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
