"""Quantiles of steps, p99 for one, with bounds that take no distribution for granted; see `stats`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from statistics import NormalDist

from harness.stats import Interval


def ordered(blocks: Iterable[Sequence[float]]) -> list[float]:
    """The samples of all blocks together, the least first."""
    return sorted(chain.from_iterable(blocks))


def quantile(ordered: Sequence[float], q: float) -> Interval:
    """The q-quantile of `ordered` samples, each bound one-sided at 95 %; free of any distribution.

    The upper bound is infinite below ``samples_needed(q)`` samples: 299 for p99. Samples are taken as
    independent (Le Boudec, Performance Evaluation, 2.2.2); pooled over launches they are so only in part.
    Raises ValueError for no samples.
    """
    if not ordered:
        raise ValueError("a quantile takes samples")
    n = len(ordered)
    upper = _order(n, q)
    lower = _order(n, 1 - q)
    return Interval(
        ordered[max(1, math.ceil(n * q)) - 1],
        ordered[n - lower] if lower <= n else -math.inf,
        ordered[upper - 1] if upper <= n else math.inf,
        n,
    )


def evenly(ordered: Sequence[float], most: int) -> tuple[float, ...]:
    """So many of `ordered` samples, evenly spaced, with the first and the last; all, if there are no more."""
    last = len(ordered) - 1
    if last < most:
        return tuple(ordered)
    return tuple(ordered[round(number * last / (most - 1))] for number in range(most))


def samples_needed(q: float) -> int:
    """How many samples an upper bound of the q-quantile takes: the first n with 1 - q^n of at least 95 %."""
    return math.ceil(math.log(0.05) / math.log(q))


@lru_cache(maxsize=4096)
def _order(n: int, q: float) -> int:
    """The smallest u for which the u-th of n ordered samples is above the q-quantile in 95 % of cases.

    It is when fewer than u samples lie below the quantile, and that number is binomial (n, q). Exact where
    the binomial is skewed or small, else its normal limit, rounded up.
    """
    variance = n * q * (1 - q)
    if variance > 400:
        return min(n + 1, math.ceil(n * q + NormalDist().inv_cdf(0.95) * math.sqrt(variance) + 0.5) + 1)
    # Counted down from where the tail begins: P(at least k below) stays under 5 % while u may go down.
    tail, k = 0.0, min(n, math.ceil(n * q + 10 * math.sqrt(variance)) + 50)
    exactly = math.exp(_log_binomial(n, k, q))
    while k >= 0:
        tail += exactly
        if tail > 0.05:
            return k + 1
        exactly *= k / (n - k + 1) * (1 - q) / q  # P(exactly k - 1 below), without three gammas for each.
        k -= 1
    return 0


def _log_binomial(n: int, k: int, q: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return ways + k * math.log(q) + (n - k) * math.log1p(-q)
