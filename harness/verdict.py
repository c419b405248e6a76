"""The verdicts, and how a measured interval becomes one. It is a yes only if the whole interval says so."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness import stats
from harness.stats import Interval

CONFIRMED = "confirmed"
"""The whole interval lies within what was claimed."""
EXCEEDED = "exceeded"
"""All of it is better than claimed."""
SHORT = "short"
"""All of it is worse than claimed."""
REVERSED = "reversed"
"""All of it lies on the other side of no change: slower, where the claim says faster."""
INCONCLUSIVE = "inconclusive"
"""A bound of the claim lies within the interval."""
NOT_MEASURED = "not-measured"

#: Contradicted: nobody who trusts the claim gets what it says.
CONTRADICTED = (REVERSED, SHORT)


def verdict(found: Interval, bounds: tuple[float, float], better: str, neutral: float | None) -> str:
    """`better` is ``higher``, ``lower`` or ``within``; `neutral` the value that means no change, None if
    there is none. Who claims a place, as of a best setting, is wrong on either side of it.

    An infinite end decides nothing towards yes, nor does NaN. A bound at no change is open: who claims a gain
    does not claim exactly none.
    """
    low, high = bounds
    if _within(found, bounds, neutral):
        return CONFIRMED
    if neutral is not None and _beyond(found, bounds, neutral):
        return REVERSED
    if found.low > high or found.low == high == neutral:
        return EXCEEDED if better == "higher" else SHORT
    if found.high < low or found.high == low == neutral:
        return EXCEEDED if better == "lower" else SHORT
    return INCONCLUSIVE


def _within(found: Interval, bounds: tuple[float, float], neutral: float | None) -> bool:
    low, high = bounds
    bounded = math.isfinite(found.low) and math.isfinite(found.high)
    no_change = (found.low == low == neutral) or (found.high == high == neutral)
    return bounded and low <= found.low and found.high <= high and not no_change


def _beyond(found: Interval, bounds: tuple[float, float], neutral: float) -> bool:
    """Whether claim and measurement lie on two sides of no change."""
    low, high = bounds
    return (low >= neutral and found.high < neutral) or (high <= neutral and found.low > neutral)


def distance(found: Interval, bounds: Sequence[float], logs: bool) -> float:
    """From the point to the nearest bound within the interval; of positive figures in logs."""
    within = [bound for bound in bounds if found.low <= bound <= found.high and math.isfinite(bound)]
    if logs:
        return min((abs(math.log(found.point / bound)) for bound in within if bound > 0), default=math.inf)
    return min((abs(found.point - bound) for bound in within), default=math.inf)


def more_launches(effects: Sequence[float], distance: float) -> str:
    """What it would take to tell a figure from a bound so far off, in the units of `effects`."""
    if len(effects) < 2:
        return "one launch gives no interval, at least 2 more are needed"
    needed = stats.launches_needed(effects, distance)
    if needed is None:
        return "it is too close to tell by any number of launches"
    return f"about {max(1, needed - len(effects))} more launches would tell"
