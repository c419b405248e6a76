"""The statistics, in one sitting: what is computed from samples, under which assumptions, on whose word.

Beside it `significance` has tests and what many of them at once take, and `quantiles` tails of single steps.

The launch is the statistical unit. Steps within a process share its memory layout, its threads and its
moment, so more steps make a launch sharper and never another launch (Georges et al., OOPSLA 2007;
Kalibera and Jones, ISMM 2013). A launch gives one number; an interval is over launches.

Times are compared as logs: noise multiplies, and log(a/b) = -log(b/a), so a speedup and a slowdown are
treated alike.

Intervals over launches are Student's t. It assumes that launches are independent and their logs nearly
normal; each is a median of medians, which helps. The percentile bootstrap over launches, and over rounds
within them, is too narrow at the 3 to 10 launches we can afford (Hesterberg, The American Statistician 69:4,
2015; at 5 launches it covers about 85 % and not 95 %).

Launches are added until an interval is narrow, never until it is significant: a comparison leaves what looks
changed to other launches, see `compare`. That ends sooner where the spread happens to come out small: at t's
own 95 % it covers 92 % in the worst case (Anscombe, Proc. Camb. Phil. Soc. 48, 1952). So t is taken at 96 %,
and 93 to 97 % are covered wherever the rule stops: see tests/test_coverage.py. Where chance neighbours
outweigh what launches differ by, it is wider than need be.

A block counts by its median, not by its lower quartile. In simulation the quartile halves the spread of
launches beside a load that comes and goes, for 5 % more when alone; stored runs did not show it, and it
would not see it if a technique slows half of its own steps.

Written with the standard library alone, and checked against scipy in the tests: to import scipy.stats
takes longer than to judge a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median

#: Two-sided 96 % points of Student's t for 1 to 10 degrees of freedom, and for infinitely many.
T96 = (15.8945, 4.84873, 3.48191, 2.99853, 2.75651, 2.61224, 2.51675, 2.44898, 2.39844, 2.35931)
Z96 = NormalDist().inv_cdf(0.98)
Z95 = NormalDist().inv_cdf(0.975)

#: Pairs of points grow with the square of the points; a longer series is thinned evenly to this many.
MOST_POINTS = 200

#: Nothing is promised past so many launches.
MOST_LAUNCHES = 1000


@dataclass(frozen=True)
class Interval:
    """An estimate, its bounds, and how many values it rests on. Bounds are infinite where n is too small."""

    point: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Half the width relative to the point; infinite for an unbounded interval."""
        if self.low == self.high:
            return 0.0
        width = (self.high - self.low) / 2
        return width / abs(self.point) if self.point and math.isfinite(width) else math.inf

    def times(self, factor: float) -> Interval:
        low, high = sorted((self.low * factor, self.high * factor))
        return Interval(self.point * factor, low, high, self.n)

    def inverse(self) -> Interval:
        """Of a positive quantity: seconds per step become steps per second."""
        return Interval(_inverse(self.point), _inverse(self.high), _inverse(self.low), self.n)


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf


def medians(blocks: Iterable[Sequence[float]]) -> list[float]:
    """The median of each block of seconds per step, which an interruption of a few steps does not move.

    NaN for a block that holds no time: empty, or below the clock's resolution.
    """
    # Most blocks of a large run hold one step, whose median need not be looked for.
    found = [block[0] if len(block) == 1 else median(block) if block else 0.0 for block in blocks]
    return [middle if middle > 0 else math.nan for middle in found]


def rounds(baseline: Sequence[float], variant: Sequence[float]) -> list[float]:
    """log(variant time / baseline time) of each round that both have whole.

    Arguments are `medians` of blocks; blocks 2r and 2r + 1 are the two visits of round r. The visits mirror
    each other (ABBA), so a linear drift of the machine falls on both alike and cancels. A last visit without
    another is a round of its own: it took such turns within.
    """
    visits = [math.log(v / b) for b, v in zip(baseline, variant, strict=False)]
    found = [(first + second) / 2 for first, second in zip(visits[::2], visits[1::2], strict=False)]
    found += visits[2 * len(found) :]
    return [d for d in found if math.isfinite(d)]


def launch_effect(rounds: Sequence[float]) -> float:
    """A launch's one number: the median of its rounds. Raises StatisticsError for none."""
    return median(rounds)


def launch_error(rounds: Sequence[float]) -> float:
    """The standard error of `launch_effect`, from the quartiles of the rounds; 0 for a single round.

    1.2533 is the standard error of a median over that of a mean, 1.349 the quartiles' distance in deviations,
    both of normal values.
    """
    return 1.2533 * spread(rounds) / 1.349 / math.sqrt(len(rounds))


def spread(values: Sequence[float]) -> float:
    """The interquartile range; 0 for fewer than two values."""
    ordered = sorted(values)
    return _between(ordered, 0.75) - _between(ordered, 0.25) if len(ordered) > 1 else 0.0


def _between(ordered: Sequence[float], q: float) -> float:
    """The quantile by linear interpolation (type 7 of Hyndman and Fan, as numpy has it)."""
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def student(n: int) -> float:
    """The two-sided 96 % point of Student's t for `n` values, which covers 95 %; infinite for one.

    Why 96, see above. Past the table the expansion 26.7.5 of Abramowitz and Stegun, good to 2e-4.
    """
    df, z = n - 1, Z96
    if df <= len(T96):
        return T96[df - 1] if df else math.inf
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / df + second / df**2 + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384 / df**3


def mean(values: Sequence[float]) -> Interval:
    """The mean over launches, with its t interval."""
    middle = fmean(values)
    half = student(len(values)) * _deviation(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return Interval(middle, middle - half, middle + half, len(values))


def _deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation; statistics.stdev is exact, and twenty times as slow."""
    middle = fmean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def ratio(effects: Sequence[float]) -> Interval:
    """The geometric mean of the ratios whose logs are `effects`, one of each launch."""
    return ratios(mean(effects))


def ratios(logs: Interval) -> Interval:
    """An interval of logs as one of the ratios themselves."""
    return Interval(_exp(logs.point), _exp(logs.low), _exp(logs.high), logs.n)


def level(values: Sequence[float]) -> Interval:
    """The level of a positive quantity, seconds per step for one, given one value of each launch."""
    return ratio([math.log(value) for value in values])


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf


def contrast(weights: Sequence[float], samples: Sequence[Sequence[float]]) -> Interval:
    """The sum of the samples' means, each times its weight: 95 % for independent samples of unequal spread.

    With weights -1 and 1 that is Welch's interval of a difference; the degrees of freedom are Satterthwaite's
    (Biometrics Bulletin 2:6, 1946), rounded down. Unbounded where a sample is of one value.
    """
    point = sum(weight * fmean(values) for weight, values in zip(weights, samples, strict=True))
    fewest = min(map(len, samples))
    if fewest < 2:
        return Interval(point, -math.inf, math.inf, fewest)
    parts = [
        w * w * _deviation(values) ** 2 / len(values) for w, values in zip(weights, samples, strict=True)
    ]
    freedom = [part * part / (len(values) - 1) for part, values in zip(parts, samples, strict=True)]
    degrees = sum(parts) ** 2 / sum(freedom) if any(freedom) else fewest - 1
    half = student(math.floor(degrees + 1e-9) + 1) * math.sqrt(sum(parts))
    return Interval(point, point - half, point + half, fewest)


def span(values: Sequence[float]) -> Interval:
    """Median and extremes, for what is counted and not sampled: the same step allocates the same bytes."""
    return Interval(median(values), min(values), max(values), len(values))


def slope(x: Sequence[float], y: Sequence[float]) -> Interval:
    """The Theil-Sen slope of y over x, with Sen's interval: no outlier under 29 % of the points moves it.

    (Sen, JASA 63, 1968; as scipy.stats.theilslopes, but not narrowed for ties.) Long series are thinned.
    Raises ValueError for fewer than two distinct x.
    """
    x, y = thinned(x), thinned(y)
    slopes = sorted((y[j] - y[i]) / (x[j] - x[i]) for i in range(len(x)) for j in range(i) if x[j] != x[i])
    if not slopes:
        raise ValueError("a slope takes two distinct x")
    n, pairs = len(x), len(slopes)
    reach = Z95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(round((pairs - reach) / 2) - 1, 0)
    high = min(round((pairs + reach) / 2), pairs - 1)
    return Interval(median(slopes), slopes[low], slopes[high], n)


def thinned(values: Sequence[float]) -> Sequence[float]:
    """At most MOST_POINTS of the values, evenly spaced, both ends kept."""
    most = len(values) - 1
    if most < MOST_POINTS:
        return values
    return [values[round(i * most / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def exponent(x: Sequence[float], y: Sequence[float]) -> Interval:
    """k of y = c x^k, fitted on logs: 1 is linear, 0.5 a square root. Three points: all pairs bound it."""
    return slope([math.log(value) for value in x], [math.log(value) for value in y])


def launches_needed(effects: Sequence[float], half_width: float) -> int | None:
    """How many launches in all would bring the interval to `half_width`, in the units of `effects`.

    Of logs, 0.05 is 5 %. Supposes that launches go on varying as they did. At least 3 if there is but one.
    None if no number under MOST_LAUNCHES would do.
    """
    if len(effects) < 2:
        return 3
    if not half_width > 0:
        return None
    deviation = _deviation(effects)
    enough = (n for n in range(2, MOST_LAUNCHES) if student(n) * deviation <= half_width * math.sqrt(n))
    return next(enough, None)
