"""What claims are judged by: each figure from the rows of a run, with its interval.

A figure of one case speaks about a variant on one workload. A figure over a scale speaks about how something
grows, so it takes the cases that differ only in the parameters named in ``over``. Add one: a function from
``Family`` to ``Found``, and its name in ``FIGURES``, which is what a claim's ``figure`` names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness import gains, growth, loading, measured, stats, units
from harness.measured import Family, Figure, Found, NotMeasured
from harness.rows import CaseSummary

#: The parameters that make a model larger.
SIZES = ("size", "layers", "width", "head", "heads")


def speedup(family: Family) -> Found:
    timing = measured.timing(family.row)
    if timing.speedup is None:
        base = family.row.baseline
        why = f"its baseline {base.case.variant}: {base.failure}" if base and base.failure else ""
        raise NotMeasured(why or "no launch timed both it and its baseline")
    effects = tuple(-effect for effect in timing.effects)
    noisy = timing.noisy - timing.set_aside
    note = f"{noisy} of {len(effects)} launches were noisy" if noisy else ""
    return Found(timing.speedup, units.times, effects, logs=True, note=note)


def bytes_left_behind(family: Family) -> Found:
    """Of the search for a batch that fits, which ends on the first fraction of its start that does."""
    told = family.row.figures
    left = told.get("bytes left behind")
    if not isinstance(left, float | int):
        raise NotMeasured(family.row.failure or "no search for a batch in this run")
    if not float(told["attempts"]) > 1:
        raise NotMeasured("the batch at the start fitted, so nothing was halved")
    note = f"batch {told['batch found']:g} of {told['batch at the start']:g}, attempts {told['attempts']:g}"
    return Found(stats.span([left]), units.size, note=note)


def copies_in_memory(family: Family) -> Found:
    """Of the weights, at the highest point of loading them: what the process takes, over their bytes."""
    return Found(stats.span([_copies(family)]), units.plain, note=_mapped(family))


def over_model_and_shard(family: Family) -> Found:
    """The highest point of loading, over the weights and the largest of the files that they come in."""
    most = 1 + float(family.row.figures.get("largest shard share", 0.0))
    return Found(stats.span([_copies(family) / most]), units.plain, note=_mapped(family))


def _copies(family: Family) -> float:
    told = family.row.figures.get("copies at the peak")
    if not isinstance(told, float | int):
        raise NotMeasured(
            family.row.failure or "this machine does not tell a process's memory at its highest"
        )
    return float(told)


def _mapped(family: Family) -> str:
    share = float(family.row.figures.get("mapped share", 0.0))
    return f"{units.percent(share)} of the weights are mapped files" if share > 0.01 else ""


def memory_saving(family: Family) -> Found:
    memory = measured.memory(family.row)
    if memory.saving is None:
        raise NotMeasured("the memory of its baseline was not measured")
    return Found(memory.saving, units.percent)


def compression(family: Family) -> Found:
    if family.row.compression is None:
        raise NotMeasured(family.row.failure or "the bytes of its parameters were not counted")
    return Found(family.row.compression, units.times)


def quality_loss(family: Family) -> Found:
    quality = family.row.quality
    if quality is None or quality.loss is None:
        raise NotMeasured(family.row.failure or "no quality launch of both it and its baseline in this run")
    note = "" if quality.finite else "a run met NaN or infinity"
    return Found(quality.loss, units.percent, quality.losses, note=note)


def equal(family: Family) -> Found:
    if family.row.equality is None:
        raise NotMeasured(family.row.failure or "its results were not compared with the baseline's")
    return Found(family.row.equality.value, "{:.2g}".format)


def elements_per_1000_images(family: Family) -> Found:
    """Embedding elements that were kept, counted."""
    each = _elements_per_image(family.row)
    if not each:
        raise NotMeasured("the elements that were kept were not counted")
    return Found(stats.span([1000 * each]), units.count)


def elements_saving(family: Family) -> Found:
    """The share of the baseline's embedding elements of an image that are not there, counted."""
    base = family.row.baseline
    ours, theirs = _elements_per_image(family.row), _elements_per_image(base) if base else 0.0
    if not ours or not theirs:
        raise NotMeasured("the elements of both it and its baseline were not counted")
    return Found(
        stats.span([1 - ours / theirs]), units.percent, note=f"{ours:.0f} an image, {theirs:.0f} before"
    )


def _elements_per_image(row: CaseSummary) -> float:
    memory, images = measured.memory(row), row.case.parameters.get("images")
    return memory.elements / images if memory.elements and images else 0.0


def flops_per_second(family: Family) -> Found:
    """The work of the baseline's step over the time of this one's."""
    step, work = measured.timing(family.row).step, family.row.flops
    if not work:
        raise NotMeasured("the FLOPs of its baseline were not counted")
    return Found(step.inverse().times(work), units.flops)


def of_limit(family: Family) -> Found:
    """The share of what the machine reaches: of its best matrix product, or of its copy if that is slower."""
    timing = measured.timing(family.row)
    if not timing.of_limit:
        raise NotMeasured("the machine's limits or the work of a step are not known")
    return Found(timing.step.inverse().times(timing.of_limit * timing.step.point), units.percent)


def geometric_mean(family: Family) -> Found:
    """Of the speedups over workloads, each counted once; the interval is over workloads and not launches."""
    logs = [math.log(row.speedup.point) for row in family.rows if row.speedup]
    if len(logs) < 2:
        raise NotMeasured(f"a mean over workloads takes 2, this run has {len(logs)}")
    return Found(
        stats.ratio(logs), units.times, note=f"a mean over {len(logs)} workloads, which more would narrow"
    )


FIGURES: Mapping[str, Figure] = {
    "speedup": Figure(speedup, "time"),
    "speedup_over_updates": Figure(gains.over_updates, "time"),
    "bytes_left_behind": Figure(bytes_left_behind, "memory"),
    "copies_in_memory": Figure(copies_in_memory),
    "over_model_and_shard": Figure(over_model_and_shard),
    "memory_saving": Figure(memory_saving, "memory"),
    "compression": Figure(compression),
    "quality_loss": Figure(quality_loss, "quality"),
    "equal": Figure(equal, "time"),
    "bytes_per_batch": Figure(growth.slope, "memory"),
    "steady_slope": Figure(growth.steady_slope, "memory"),
    "slope_without_cleaning": Figure(growth.slope_without_cleaning, "memory"),
    "elements_per_1000_images": Figure(elements_per_1000_images, "memory"),
    "depth_exponent": Figure(growth.depth_exponent, "memory", over=("layers",), fewest=3),
    "length_exponent": Figure(growth.length_exponent, "memory", over=growth.LENGTHS, fewest=3),
    "memory_at_2k_and_4k": Figure(growth.memory_at_2k_and_4k, "memory", over=growth.LENGTHS),
    "elements_saving": Figure(elements_saving, "memory"),
    "flops_per_second": Figure(flops_per_second, "time"),
    "of_limit": Figure(of_limit, "time"),
    "growth": Figure(gains.over_sizes, "time", over=SIZES, fewest=3),
    "growth_over_tokens": Figure(gains.over_tokens, "time", over=("new",), fewest=2),
    "over_dynamic": Figure(gains.over_dynamic, "time"),
    "best_workers": Figure(loading.best_workers, "time"),
    "bottleneck_found": Figure(loading.bottleneck_found, "time"),
    "slow_transform_found": Figure(loading.slow_transform_found, "time"),
    "geometric_mean": Figure(geometric_mean, "time", over=None),
}
