"""The figures of one case from its samples: times, memory, quality, equality.

A launch that was noisy is set aside where at least three others exist, and counts where they do not. A
launch of the variant is compared with the same launch of the baseline, for they took turns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median, mode

from harness import quantiles, stats
from harness.record import KINDS, OK, WRONG_RESULT, Case
from harness.rows import Ceiling, Equality, Kinds, Memory, Quality, Taken, Timing
from harness.stats import Interval

#: Fewer quiet launches than this, and the noisy ones count as well.
QUIET_ENOUGH = 3

#: The ceiling that a variant's arithmetic is held against; any other variant computes in float32.
PRECISIONS = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "tf32": "tf32",
    **dict.fromkeys(("int4-weight-only", "int2", "int2-packed"), "bfloat16"),
    **dict.fromkeys(("dynamic-int8", "int8-dynamic", "bnb-int8", "bnb-int8-plain"), "int8"),
    "fp8-dynamic": "float8",
}
#: Types that are computed in themselves or not at all.
OWN = frozenset({"int8", "float8"})
#: Steps that are enough to see how they are distributed.
DISTRIBUTED = 1_000


def timing(
    case: Case, kinds: Kinds, base: Sequence[Taken], base_timing: Timing | None, ceiling: Ceiling | None
) -> Timing | None:
    """The times of a case, or None without any.

    `base` holds the baseline's launches; empty for no comparison.
    `ceiling` is what bounds a step on this machine; None if unknown.
    """
    every = [(one, level) for one in _usable(kinds.get("time", ())) if (level := _level(one)) > 0]
    if not every:
        return None
    quiet = [pair for pair in every if not pair[0].noisy]
    used, levels = zip(*(quiet if len(quiet) >= QUIET_ENOUGH else every), strict=True)
    step = stats.level(levels)
    pooled = quantiles.ordered(block for one in used for block in one.record["blocks"])
    compared, effects = _effects(() if case.is_baseline else base, used)
    speedup = stats.ratio([-effect for effect in effects]) if effects else None
    cold, warm = (_overhead(kinds, step.point, cold) for cold in (True, False))
    return Timing(
        step=step,
        p50=quantiles.quantile(pooled, 0.50),
        p95=quantiles.quantile(pooled, 0.95),
        p99=quantiles.quantile(pooled, 0.99),
        steps=quantiles.evenly(pooled, DISTRIBUTED),
        levels=levels,
        effects=effects,
        compared=compared,
        speedup=speedup,
        throughput=_throughput(case, used[0], step),
        compile_cold=cold,
        compile_warm=warm,
        pays_after=_pays_after(cold, warm, step, speedup, base_timing),
        of_limit=ceiling.seconds / step.point if ceiling else None,
        ceiling=ceiling,
        noisy=sum(one.noisy for one, _ in every),
        set_aside=len(every) - len(used),
    )


def _usable(taken: Iterable[Taken]) -> list[Taken]:
    return [one for one in taken if one.record["outcome"] in (OK, WRONG_RESULT)]


def _level(taken: Taken) -> float:
    """Seconds per step of one launch: the median of its blocks' medians; 0 if it was not timed."""
    timed = [middle for middle in taken.medians if math.isfinite(middle)]
    return median(timed) if timed else 0.0


def _effects(base: Iterable[Taken], used: Iterable[Taken]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Each launch and its log of the time per sample: of a step's, less how many more samples it has."""
    baselines = {one.launch: one for one in _usable(base)}
    found: dict[int, float] = {}
    for one in used:
        theirs = baselines.get(one.launch)
        rounds = stats.rounds(theirs.medians, one.medians) if theirs else []
        if theirs and rounds:
            more = math.log(_samples(one.record) / _samples(theirs.record))
            found[one.launch] = stats.launch_effect(rounds) - more
    return tuple(found), tuple(found.values())


def _samples(record: Mapping[str, int]) -> int:
    """In a step; 1 if the record does not say."""
    return record.get("samples") or 1


def _throughput(case: Case, taken: Taken, step: Interval) -> Interval | None:
    samples = taken.record.get("samples") or case.parameters.get("batch")
    return step.inverse().times(samples) if samples else None


def _overhead(kinds: Kinds, steady: float, cold: bool) -> float | None:
    """The median of first step less steady step, over the launches with the compiler's cache so."""
    records = [one.record for kind in ("memory", "time") for one in _usable(kinds.get(kind, ()))]
    found = [
        one["first_step"] - steady
        for one in records
        if "first_step" in one and bool(one.get("cold_cache")) == cold
    ]
    return median(found) if found else None


def _pays_after(
    cold: float | None, warm: float | None, step: Interval, speedup: Interval | None, base: Timing | None
) -> float | None:
    """Steps after which the slower first step has been won back."""
    ours = cold if cold is not None else warm
    if speedup is None or base is None or ours is None or speedup.low <= 1 <= speedup.high:
        return None
    theirs = base.compile_cold if cold is not None else base.compile_warm
    gain = step.point * (speedup.point - 1)
    return math.ceil(max(0.0, ours - (theirs or 0.0)) / gain) if gain > 0 else math.inf


def ceiling(case: Case, base: Kinds, ceilings: Mapping[str, float]) -> Ceiling | None:
    """What bounds a step on this machine: its arithmetic or its traffic, at the measured ceilings.

    The work is the baseline's, so that recomputing is not counted as progress. No ceiling is under that of
    fp32: what the machine has no arithmetic for is computed in fp32, and a slow product of int8 is that of
    the kernel measured, not of the machine. None if nothing is known, or not of the type of the case.

    The type is that of the variant, or of the workload, if its parameters have a ``dtype``.
    """
    parts = [part.rpartition(":")[2] for part in case.variant.split("+")]
    plain = str(case.parameters.get("dtype", "float32"))
    dtype = next((PRECISIONS[part] for part in parts if part in PRECISIONS), plain)
    compute = ceilings.get(dtype, 0.0)
    if dtype in OWN and not compute:
        return None
    compute = max(compute, ceilings.get("float32", 0.0))
    copy = ceilings.get("copy")
    work = ((stated(base, "flops"), compute, "FLOP"), (stated(base, "minimum_bytes"), copy, "B"))
    bounds = [Ceiling(amount / rate, rate, unit) for amount, rate, unit in work if amount and rate]
    return max(bounds, default=None)


def stated(kinds: Kinds, key: str) -> int | None:
    """What every record of a case says alike, such as its number of parameters; None if none does."""
    records = (one.record for kind in KINDS for one in kinds.get(kind, ()))
    return next((one[key] for one in records if one.get(key) is not None), None)


def figures(kinds: Kinds) -> dict[str, float | str]:
    """What the job told of itself: the median over launches of a number, the commonest word.

    A name told in launches of two kinds is taken from the timing ones, which ran the most steps.
    """
    found: dict[str, list[float | str]] = {}
    for kind in ("time", "memory", "quality"):
        told = [one.record.get("figures") or {} for one in _usable(kinds.get(kind, ()))]
        for name in dict.fromkeys(name for one in told for name in one if name not in found):
            found[name] = [one[name] for one in told if name in one]
    return {name: _middle(values) for name, values in found.items()}


def _middle(values: Sequence[float | str]) -> float | str:
    numbers = [value for value in values if not isinstance(value, str)]
    return float(median(numbers)) if len(numbers) == len(values) else mode(map(str, values))


def memory(taken: Iterable[Taken], base: Memory | None) -> Memory | None:
    """The memory of a case, or None without any."""
    records = [one.record for one in _usable(taken) if one.record.get("memory")]
    if not records:
        return None
    found = [one["memory"] for one in records]
    peak = stats.span([one["peak"] for one in found])
    hosts = [one.get("host", {}) for one in records]
    rss = [host["peak_rss"] for host in hosts if host.get("peak_rss")]
    children = [host["children"] for host in hosts if host.get("children")]
    return Memory(
        peak=peak,
        activations=stats.span([one["peak"] - _kept(one) for one in found]),
        saving=_saving(base.peak, peak) if base and base.peak.low > 0 else None,
        host_rss=stats.span(rss) if rss else None,
        children=stats.span(children) if children else None,
        traces=tuple(tuple(one.get("trace", ())) for one in found),
        reserved_traces=tuple(tuple(one["reserved_trace"]) for one in found if one.get("reserved_trace")),
        batch_bytes=found[0].get("batch_bytes") or 0,
        elements=found[0].get("elements"),
        optimizer=max(one.get("optimizer", 0) for one in found),
    )


def _kept(found: Mapping[str, int]) -> int:
    """What the step holds from start to end: not the gradients, which it frees first and makes last."""
    kinds = ("weights", "optimizer", "batch")
    if all(kind in found for kind in kinds):
        return sum(found[kind] for kind in kinds)
    return found.get("resident", 0)


def _saving(base: Interval, peak: Interval) -> Interval:
    """1 - variant / baseline, bounded by the extremes of both."""
    low, high = 1 - peak.high / base.low, 1 - peak.low / base.high
    return Interval(1 - peak.point / base.point, low, high, min(base.n, peak.n))


def quality(taken: Iterable[Taken], base: Iterable[Taken]) -> Quality | None:
    """The quality a case reached, or None without any; its loss against the baseline's from the same seed."""
    used = [one for one in _usable(taken) if one.record.get("quality")]
    if not used:
        return None
    reached = {one.launch: _reached(one) for one in _usable(base) if one.record.get("quality")}
    pairs = [(_reached(one), reached[one.launch]) for one in used if one.launch in reached]
    losses = tuple(ours / theirs - 1 for ours, theirs in pairs if math.isfinite(theirs) and theirs > 0)
    return Quality(
        metric=used[0].record["quality"]["metric"],
        value=_over_seeds([_reached(one) for one in used]),
        finite=all(math.isfinite(_reached(one)) for one in used),
        losses=losses,
        loss=_over_seeds(losses) if losses else None,
        curves=tuple(tuple(one.record["quality"].get("curve", ())) for one in used),
        beside=_beside([one.record["quality"] for one in used]),
    )


def _beside(found: Sequence[Mapping[str, object]]) -> dict[str, float]:
    """The numbers of every launch that are not the metric in other words, as accuracy is of 1 / accuracy."""
    told = {name: [one.get(name) for one in found] for name in found[0] if name not in ("value", "finite")}
    return {
        name: median(numbers)
        for name, values in told.items()
        if name not in str(found[0]["metric"])
        and len(numbers := [float(one) for one in values if isinstance(one, int | float)]) == len(values)
    }


def _reached(taken: Taken) -> float:
    """Infinite for a run that met NaN or infinity anywhere: nothing is worse."""
    found = taken.record["quality"]
    value = found["value"]
    return float(value) if value is not None and found.get("finite", True) else math.inf


def _over_seeds(values: Sequence[float]) -> Interval:
    if not all(math.isfinite(value) for value in values):
        return Interval(math.inf, math.inf, math.inf, len(values))
    return stats.mean(values)


def equality(taken: Iterable[Taken]) -> Equality | None:
    """How the results of all launches compare, or None if they were not compared. One bad one is enough."""
    found = [one.record["equality"] for one in _usable(taken) if one.record.get("equality")]
    if not found:
        return None
    values = [math.inf if one.get("value") is None else float(one["value"]) for one in found]
    bad = [one for one in found if not one.get("ok")]
    finite = all(math.isfinite(value) for value in values)
    return Equality(
        metric=str(found[0].get("metric", "")),
        value=stats.span(values),
        tolerance=float(found[0].get("tolerance", 0.0)),
        ok=finite and not bad,
        message=_difference(bad[0]) if bad else "",
    )


def _difference(found: Mapping[str, object]) -> str:
    if found.get("message") or found.get("value") is None:
        return str(found.get("message") or "the results cannot be compared")
    metric, value, tolerance = (found.get(key, "") for key in ("metric", "value", "tolerance"))
    return f"{metric} {value:.2g} against a tolerance of {tolerance:.2g}"


def compression(kinds: Kinds, base: Kinds) -> Interval | None:
    """Baseline / variant bytes of parameters: counted, so exact."""
    ours, theirs = stated(kinds, "parameter_bytes"), stated(base, "parameter_bytes")
    return stats.span([theirs / ours]) if ours and theirs else None
