"""A row's figures as short texts with units, the same wherever a row is shown."""

from __future__ import annotations

import math

from harness import units
from harness.record import OK, WRONG_RESULT, Json
from harness.rows import CaseSummary
from harness.stats import Interval
from harness.technique import techniques

COLUMNS = ("workload", "variant", "speedup", "step", "memory", "equal", "limit", "remark")


def cells(row: CaseSummary) -> tuple[str, ...]:
    """One text for each of COLUMNS."""
    return (
        workload(row),
        row.case.variant,
        speedup(row),
        units.seconds(row.timing.step.point) if row.timing else "",
        memory(row),
        equal(row),
        units.percent(row.timing.of_limit) if row.timing and row.timing.of_limit else "",
        remark(row),
    )


def technique(row: CaseSummary) -> str:
    """As `run` takes it: claims may speak of a family, such as caching, of which it is one."""
    name, spoken = row.case.benchmark, row.case.technique
    return spoken if name not in techniques() and spoken in techniques() else name


def variant(row: CaseSummary) -> str:
    """With its technique where rows of a family stand together: ``batch-size:4`` among those of batch."""
    own, family = technique(row), row.case.technique or row.case.benchmark
    if own == "control" != row.case.benchmark:
        return f"{row.case.variant}, {row.case.benchmark}"  # The same workload as control's, otherwise told.
    return row.case.variant if own == family or "+" in row.case.variant else f"{own}:{row.case.variant}"


def workload(row: CaseSummary) -> str:
    shown = " ".join(f"{key}={value}" for key, value in row.case.parameters.items())
    return f"{row.case.workload} {shown}".strip()


def speedup(row: CaseSummary) -> str:
    """``1.43x (1.39x to 1.47x)``; a wrong result has none, whatever its speed."""
    if row.case.is_baseline and row.outcome == OK:
        return "baseline"
    if row.outcome == WRONG_RESULT or row.speedup is None:
        return ""
    if not math.isfinite(row.speedup.half_width):
        return f"{units.times(row.speedup.point)} (1 launch)"
    return units.between(row.speedup, units.times)


def memory(row: CaseSummary) -> str:
    """Peak of the step and what it is against the baseline's: ``89 MB, -23 %``."""
    if row.memory is None:
        return ""
    if row.saving is None:
        return units.size(row.memory.peak.point)
    change = round(-100 * row.saving.point)
    return f"{units.size(row.memory.peak.point)}, " + (f"{change:+d} %" if change else "same")


def equal(row: CaseSummary) -> str:
    if row.case.is_baseline or row.equality is None:
        return ""
    return "yes" if row.equality.ok else "NO"


def remark(row: CaseSummary) -> str:
    return "; ".join(
        text
        for text in (
            row.failure or row.message,
            _work(row),
            _state(row),
            _children(row),
            _quality(row),
            _told(row),
            _compile(row),
            _noise(row),
        )
        if text
    )


def cost(row: CaseSummary) -> str:
    """What comes with turning it on: of the remark what is no more than two figures of the job's own."""
    told = _told(row)
    few = told if told.count(", ") < 2 else ""
    return "; ".join(filter(None, (row.failure, _quality(row), few, _compile(row), _noise(row))))


def _told(row: CaseSummary) -> str:
    """The job's own figures: ``hit rate 0.83, bottleneck loading``; the parts of a step have a plot."""
    return ", ".join(
        _figure(name, value) for name, value in row.figures.items() if not name.startswith("part:")
    )


def _figure(name: str, value: float | str) -> str:
    """``prefill s`` and ``decoded tokens/s`` end with their unit, which is said behind the number."""
    if isinstance(value, str):
        return f"{name} {value}"
    what, _, unit = name.rpartition(" ")
    if what and unit == "s":
        return f"{what} {units.seconds(value)}"
    return f"{what} {units.plain(value)} {unit}" if what and "/" in unit else f"{name} {units.plain(value)}"


def _work(row: CaseSummary) -> str:
    """A kernel alone is known by the work that it does in a second."""
    if row.case.phase != "kernel" or not row.flops or row.timing is None or row.outcome != OK:
        return ""
    return units.flops(row.flops / row.timing.step.point)


def _state(row: CaseSummary) -> str:
    """``optimizer state 1.4 MB, -75 %``, where it is another than the baseline's."""
    base = row.baseline.memory.optimizer if row.baseline and row.baseline.memory else 0
    ours = row.memory.optimizer if row.memory else base
    change = round(100 * (ours / base - 1)) if base else 0
    return f"optimizer state {units.size(ours)}, {change:+d} %" if change else ""


def _children(row: CaseSummary) -> str:
    """``its processes +140 MB``: what a data loader's workers take besides."""
    found = row.memory.children if row.memory else None
    return f"its processes +{units.size(found.point)}" if found else ""


#: Of a metric that is better high the inverse is stored, for lower values are better; people read the metric.
INVERSE = "1 / "


def _quality(row: CaseSummary) -> str:
    if row.quality is None:
        return ""
    name, reached, loss = row.quality.metric, row.quality.value.point, row.quality.loss
    if name.startswith(INVERSE):
        name, reached = name.removeprefix(INVERSE), 1 / reached  # 1 / inf is 0
        loss = loss and Interval(_fall(loss.point), _fall(loss.high), _fall(loss.low), loss.n)
    text = f"{name} {reached:.3g}"
    if loss is not None:
        between = f"{loss.low:+.2%} to {loss.high:+.2%}" if loss.n > 1 else "1 launch"
        text += f", {loss.point:+.2%} ({between})"
    text += "".join(f", {name} {value:.3g}" for name, value in row.quality.beside.items())
    return text if row.quality.finite else f"{text}, not finite"


def _fall(loss: float) -> float:
    """How much less there is of what is better high, when its inverse is `loss` more."""
    return 1 / (1 + loss) - 1 if loss > -1 else math.inf


#: A first step that takes this much longer is worth a remark, s.
SLOW_START = 1.0


def _compile(row: CaseSummary) -> str:
    if row.case.is_baseline or row.timing is None or (row.timing.compile_cold or 0) < SLOW_START:
        return ""
    first = f"first step +{units.seconds(row.timing.compile_cold or 0)}"
    if row.timing.compile_warm is not None:
        first += f", cached +{units.seconds(row.timing.compile_warm)}"
    if row.timing.pays_after is None:
        return first
    return f"{first}: " + (
        "never pays"
        if math.isinf(row.timing.pays_after)
        else f"pays after {row.timing.pays_after:,.0f} steps"
    )


def _noise(row: CaseSummary) -> str:
    if row.timing is None or not row.timing.noisy or row.case.is_baseline:
        return ""
    return f"{row.timing.noisy} of {row.timing.step.n + row.timing.set_aside} launches noisy"


def heading(info: Json) -> str:
    """The machine, versions and commit, on one line above every table."""
    machine = info.get("machine", {})
    commit = str(machine.get("commit") or "no commit")[:10]
    torch = info.get("torch", {})
    said = [f"{info['profile']} on {info['device']}", _when(info), f"commit {commit}"]
    if torch.get("torch"):
        said.append(f"torch {torch['torch']}")
    return ", ".join(part for part in [*said, drift(info)] if part)


def _when(info: Json) -> str:
    """``2026-01-31 12:00 UTC``"""
    started = str(info.get("started", ""))
    utc = started.endswith("+00:00")
    return f"{started[:16].replace('T', ' ')} UTC" if utc else started


#: What the ceilings of a machine are called.
CEILINGS = {"copy": "copying memory"}
#: A ceiling that moves less between start and end of a run is taken to be the same.
STEADY = 0.05


def drift(info: Json) -> str:
    """What the machine reached at the end of the run against its start, where that is not the same."""
    start, end = info.get("ceilings") or {}, info.get("ceilings_at_end") or {}
    moved = {name: end[name] / start[name] - 1 for name in start if start[name] and name in end}
    told = [
        f"{CEILINGS.get(name, f'{name} arithmetic')} {100 * change:+.0f} %"
        for name, change in moved.items()
        if abs(change) > STEADY
    ]
    return f"the machine itself changed while it ran: {', '.join(told)}" if told else ""
