"""What is asked of the tools, and what they answer, as data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trust.workloads import WORKLOADS

Json = dict[str, Any]

#: Shares of more work on side B. Half of all comparisons have none: false alarms are rare and take many.
PLANTS = (0.0, 0.02, 0.0, 0.05, 0.0, 0.10)

SLOWER, FASTER, UNCHANGED, FAILED = "slower", "faster", "unchanged", "failed"


@dataclass(frozen=True)
class Plant:
    """One workload with what is planted on side B."""

    work: str
    share: float
    """What was meant, 0.05; `truth` is what the units came to."""

    @property
    def units(self) -> tuple[int, int]:
        work = WORKLOADS[self.work]
        return work.units, work.planted(self.share)

    @property
    def truth(self) -> float:
        a, b = self.units
        return b / a


@dataclass(frozen=True)
class Verdict:
    """What a tool said of one plant."""

    tool: str
    work: str
    said: str
    """``slower``, ``faster``, ``unchanged`` (also: not told), ``failed``; `words` are the tool's own."""
    ratio: float | None
    """B / A as the tool has it; None if it gave none."""
    level: float | None = None
    """Seconds per step of side A, as the tool has it."""
    words: str = ""
    runner_timed: float | None = None
    """Of a core, what the runner itself took while its workers were timed; None if it is not told."""

    def as_json(self) -> Json:
        return asdict(self)


def batch(number: int, works: Sequence[str], shares: Sequence[float] = PLANTS) -> list[Plant]:
    """The plants of one batch: each workload meets every share in turn, in a drawn order."""
    dice = random.Random(f"trust/{len(works)}")
    turn = {work: place for place, work in enumerate(dice.sample(list(works), len(works)))}
    return [Plant(work, shares[(turn[work] + number) % len(shares)]) for work in works]
