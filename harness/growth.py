"""Figures of how memory grows: over batches, over depth, over length."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence

from harness import measured, stats, units
from harness.measured import Family, Found, NotMeasured
from harness.record import WRONG_RESULT
from harness.rows import CaseSummary, Memory
from harness.stats import Interval

Points = list[tuple[float, float]]

#: The parameters that differ between lengths: at a fixed number of tokens the batch falls as they rise.
LENGTHS = ("length", "batch")

#: Batches that a growth of memory can be told from.
FEWEST_BATCHES = 4


def slope(family: Family) -> Found:
    """Growth of memory per batch, in batches' embeddings: 1 keeps every batch, 0 none."""
    memory = measured.memory(family.row)
    return Found(_slope(_traces(memory), memory), units.percent, note=_of_one_batch(memory))


def _slope(traces: Sequence[Sequence[int]], memory: Memory) -> Interval:
    """The median over launches, and the widest of their intervals."""
    fits = [stats.slope(range(len(trace)), trace).times(1 / memory.batch_bytes) for trace in traces]
    point = stats.span([fit.point for fit in fits]).point
    return Interval(point, min(fit.low for fit in fits), max(fit.high for fit in fits), len(fits))


def steady_slope(family: Family) -> Found:
    """The steepest growth of memory over any beginning of the run: no early rise hides in a long one."""
    memory = measured.memory(family.row)
    steepest, flattest = [], []
    for trace in _traces(memory):
        slopes = [value / memory.batch_bytes for value in prefix_slopes(trace)]
        steepest.append(max(slopes))
        flattest.append(min(slopes))
    value = Interval(max(steepest), min(flattest), max(steepest), len(steepest))
    return Found(value, units.percent, note=f"at every prefix; {_of_one_batch(memory)}")


def prefix_slopes(trace: Sequence[float]) -> list[float]:
    """The Theil-Sen slope of every beginning of FEWEST_BATCHES or more; a long trace is thinned."""
    x, y = stats.thinned(range(len(trace))), stats.thinned(trace)
    slopes: list[float] = []
    found = []
    for j in range(len(y)):
        for i in range(j):
            insort(slopes, (y[j] - y[i]) / (x[j] - x[i]))
        if j + 1 >= FEWEST_BATCHES:
            half = len(slopes) // 2
            found.append((slopes[half] + slopes[~half]) / 2)
    return found


def slope_without_cleaning(family: Family) -> Found:
    """Growth of memory per batch, beside that of the other ways to clean up and what each costs in time."""
    others = [
        _way(name, rows[0]) for name, rows in family.peers.items() if name.startswith("stream") and rows
    ]
    value = _held(family.row)
    note = "; ".join([_of_one_batch(measured.memory(family.row)), *others])
    return Found(value, units.percent, note=note)


def _held(row: CaseSummary) -> Interval:
    """Growth of what is live, or of what the allocator holds of the device where that grows more."""
    memory = measured.memory(row)
    found = [_slope(traces, memory) for traces in (_traces(memory), memory.reserved_traces) if traces]
    return max(found, key=lambda one: one.point)


def _way(name: str, row: CaseSummary) -> str:
    try:
        grows = units.percent(_held(row).point)
    except NotMeasured as lacking:
        return f"{name}: {lacking}"
    speed = f", {units.times(row.speedup.point)} of the baseline's speed" if row.speedup else ""
    return f"{name}: {grows}{speed}"


def _of_one_batch(memory: Memory) -> str:
    return f"of the {units.size(memory.batch_bytes)} of one batch's embeddings, per batch"


def _traces(memory: Memory) -> list[tuple[int, ...]]:
    shortest = min(len(trace) for trace in memory.traces)
    if shortest < FEWEST_BATCHES or memory.batch_bytes <= 0:
        raise NotMeasured(f"growth takes the memory after {FEWEST_BATCHES} batches, there are {shortest}")
    return list(memory.traces)


def depth_exponent(family: Family) -> Found:
    """k of activations = c depth^k: 1 keeps all of every layer, 0.5 is the square root.

    What does not depend on depth, as the logits, makes k look small; what is counted beside activations, as
    gradients, makes it look large. So k is fitted without and with a constant, and the interval holds both:
    where they disagree, the shape of the model hides the law and nothing is concluded.
    """
    return _power(family, _depths, "depths")


def length_exponent(family: Family) -> Found:
    """k of memory = c length^k of one sequence, above its inputs: 1 is linear, 2 holds every score."""
    return _power(family, _lengths, "lengths")


def _power(family: Family, points_of: Callable[[Sequence[CaseSummary]], Points], what: str) -> Found:
    points = points_of(family.rows)
    if len(points) < 3:
        raise NotMeasured(measured.too_few(family, len(points), what))
    peers = {name: points_of(rows) for name, rows in family.peers.items() if name != family.row.case.variant}
    others = [
        f"{name} {units.between(_exponent(points), units.plain)}"
        for name, points in peers.items()
        if len(points) >= 3
    ]
    note = f"of the others: {', '.join(others)}" if others else ""
    return Found(_exponent(points), units.plain, note=note)


def memory_at_2k_and_4k(family: Family) -> Found:
    """The baseline's memory over this one's, above the inputs, at 2048 and 4096 tokens: the span of both.

    The note has the ratio at each length, and the exponents with which both grow, where three lengths tell.
    """
    ratios = dict(sorted(_ratios(family.rows)))
    told = [ratios[length] for length in (2048, 4096) if length in ratios]
    if not told:
        failures = [f"{row.case.id}: {row.failure}" for row in family.rows if row.failure]
        raise NotMeasured("; ".join(["takes a length of 2048 or 4096 tokens", *failures[:2]]))
    notes = ["of the baseline's memory over its own: "]
    notes[0] += ", ".join(f"{units.times(ratio)} at {length}" for length, ratio in ratios.items())
    if len(ratios) >= 3:
        found = length_exponent(family)
        notes.append(f"it grows with length to the power {units.between(found.value, units.plain)}")
        notes += [found.note] if found.note else []
    return Found(stats.span(told), units.times, note="; ".join(notes))


def _ratios(rows: Sequence[CaseSummary]) -> list[tuple[int, float]]:
    return [
        (int(row.case.parameters["length"]), base.memory.activations.point / row.memory.activations.point)
        for row in rows
        if row.outcome != WRONG_RESULT and row.memory and row.memory.activations.point > 0
        if (base := row.baseline) and base.memory and "length" in row.case.parameters
    ]


def _lengths(rows: Sequence[CaseSummary]) -> Points:
    """Length and the bytes that a step adds for each sequence, of the cases that were measured."""
    found = {
        float(row.case.parameters["length"]): row.memory.activations.point / row.case.parameters["batch"]
        for row in rows
        if row.outcome != WRONG_RESULT and row.memory and row.memory.activations.point > 0
        if {"length", "batch"} <= row.case.parameters.keys()
    }
    return sorted(found.items())


def _exponent(points: Sequence[tuple[float, float]]) -> Interval:
    x, y = zip(*points, strict=True)
    plain = stats.exponent(x, y)
    above = exponent_above_constant([points[0], points[len(points) // 2], points[-1]])
    return Interval(plain.point, min(plain.low, above), max(plain.high, above), len(points))


def exponent_above_constant(points: Sequence[tuple[float, float]]) -> float:
    """k of y = a + c x^k through three points, by bisection from -4 to 4; 0 if y does not grow at all."""
    (x0, y0), (x1, y1), (x2, y2) = points
    if y1 <= y0 and y2 <= y1:
        return 0.0
    low, high = -4.0, 4.1
    for _ in range(50):
        k = (low + high) / 2
        # Multiplied out, so that neither step has to be above 0.
        steeper = (y2 - y1) * (x1**k - x0**k) * k > (y1 - y0) * (x2**k - x1**k) * k
        low, high = (k, high) if steeper else (low, k)
    return (low + high) / 2


def _depths(rows: Sequence[CaseSummary]) -> Points:
    """Layers and the bytes of activations, of the cases that were measured."""
    found = {
        float(row.case.parameters["layers"]): row.memory.activations.point
        for row in rows
        if row.outcome != WRONG_RESULT and row.memory and row.memory.activations.point > 0
        if "layers" in row.case.parameters
    }
    return sorted(found.items())
