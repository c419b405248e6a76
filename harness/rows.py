"""One row for each case: what a run says about it, ready to be judged, tabled or drawn. Types only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from harness import stats
from harness.record import OK, WRONG_RESULT, Case, Json
from harness.stats import Interval

#: The outcome of a case that the plan has and no launch.
NOT_RUN = "not-run"


@dataclass(frozen=True)
class Taken:
    """What one launch gave for one case."""

    launch: int
    noisy: bool
    record: Json

    @cached_property
    def medians(self) -> list[float]:
        """Of its blocks: every variant is compared with its baseline's."""
        return stats.medians(self.record.get("blocks") or ())


class Ceiling(NamedTuple):
    """What bounds a step on this machine."""

    seconds: float
    """The least time of a step."""
    rate: float
    """What the machine was measured to reach, in `unit`s per second."""
    unit: str
    """``FLOP`` where arithmetic bounds the step, ``B`` where the traffic with memory does."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """From the launches of kind time. Seconds."""

    step: Interval
    """Seconds per step, the level over launches."""
    p50: Interval
    p95: Interval
    p99: Interval
    """Percentiles of single steps, all launches together."""
    steps: tuple[float, ...] = ()
    """Of single steps, the least first: all, or evenly spaced ones that show how they are distributed."""
    levels: tuple[float, ...] = ()
    """Seconds per step of each launch."""
    effects: tuple[float, ...] = ()
    """log(variant / baseline) of the time per sample, of each launch; none for a baseline or a wrong result.
    That of the step, too, where both have the same samples in a step, as all do but those that change the
    batch."""
    compared: tuple[int, ...] = ()
    """The numbers of the launches that `effects` are of."""
    speedup: Interval | None = None
    """Baseline / variant of the time per sample."""
    throughput: Interval | None = None
    """Samples per second."""
    compile_cold: float | None = None
    compile_warm: float | None = None
    """What the first step took more than a steady one, with the compiler's cache empty and filled."""
    pays_after: float | None = None
    """Steps until that has paid for itself; infinite if never, None if the speedup is not told from none."""
    of_limit: float | None = None
    """Share of the machine's limit: the time its ceilings would need for the baseline's work, over ours."""
    ceiling: Ceiling | None = None
    noisy: int = 0
    """Launches flagged as noisy, and how many of them were set aside."""
    set_aside: int = 0


@dataclass(frozen=True, kw_only=True)
class Memory:
    """From the launches of kind memory. Tensor bytes are counted: an interval is the span over launches."""

    peak: Interval
    activations: Interval
    """Peak less what the step holds from start to end: weights, optimizer state, batches."""
    saving: Interval | None = None
    """1 - variant / baseline peak; None for a baseline."""
    host_rss: Interval | None = None
    """Resident set at its highest, of a fresh process, imports included."""
    children: Interval | None = None
    """What the processes that it starts have to themselves at their highest; None where it starts none."""
    traces: tuple[tuple[int, ...], ...] = ()
    """Of each launch the live bytes after each batch."""
    reserved_traces: tuple[tuple[int, ...], ...] = ()
    """The same of what the allocator holds of the device; empty on a host."""
    batch_bytes: int = 0
    """Bytes of one batch's embeddings, where a step is a run over batches."""
    elements: int | None = None
    optimizer: int = 0
    """Bytes of the optimizer's state; 0 where nothing trains."""

    @property
    def whole(self) -> float:
        """Peak of the step, with what processes of its own have."""
        return self.peak.point + (self.children.point if self.children else 0)


@dataclass(frozen=True, kw_only=True)
class Quality:
    """From the launches of kind quality, one seed each. Lower values are better."""

    metric: str
    value: Interval
    finite: bool
    losses: tuple[float, ...] = ()
    """variant / baseline - 1 of each launch."""
    loss: Interval | None = None
    curves: tuple[tuple[float, ...], ...] = ()
    beside: Mapping[str, float] = field(default_factory=dict)
    """What was measured besides, such as the mean cosine between embeddings: the median over launches."""


@dataclass(frozen=True, kw_only=True)
class Equality:
    """How far the results lie from the baseline's, over launches; infinite where they cannot be compared."""

    metric: str
    value: Interval
    tolerance: float
    ok: bool
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseSummary:
    case: Case
    outcome: str
    message: str = ""
    kinds: frozenset[str] = frozenset()
    """The kinds of launch that it was in, whatever came of them."""
    timing: Timing | None = None
    memory: Memory | None = None
    quality: Quality | None = None
    equality: Equality | None = None
    parameters: int | None = None
    flops: int | None = None
    """Of a step of the baseline."""
    compression: Interval | None = None
    """Baseline / variant parameter bytes."""
    figures: Mapping[str, float | str] = field(default_factory=dict)
    """What its job told of itself: the median over launches of a number, the commonest word."""
    baseline: CaseSummary | None = field(default=None, repr=False)

    @property
    def n(self) -> int:
        """Timing launches that count."""
        return self.timing.step.n if self.timing else 0

    @property
    def speedup(self) -> Interval | None:
        return self.timing.speedup if self.timing else None

    @property
    def saving(self) -> Interval | None:
        return self.memory.saving if self.memory else None

    @property
    def failure(self) -> str:
        """Outcome and message in one line; empty if the case is ok."""
        if self.outcome == NOT_RUN:
            return self.message
        said = f": {self.message}" if self.message and self.message not in self.outcome else ""
        return "" if self.outcome == OK else f"{self.outcome.replace(WRONG_RESULT, 'wrong result')}{said}"


#: What a run holds of one case, by kind of launch.
Kinds = Mapping[str, list[Taken]]
