"""How hard a run measures: its wall time, the precision it wants, and how often it looks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from harness.launch import Pace

#: Of a run of named techniques, before the time for each, s: for the start of torch, and for launches under
#: way at the end. One technique then takes 3 minutes, four take 8.
START = 65.0


@dataclass(frozen=True)
class Settings:
    """How hard to measure."""

    budget: float
    """Wall time of the whole run, s."""
    precision: float
    """Half-width of a speedup's 95 % interval at which a group is done, relative."""
    launches: tuple[int, int]
    """The fewest and the most timing launches of a group."""
    pace: Pace = field(default_factory=Pace)
    qualities: int = 3
    """Quality launches, each from another seed."""
    each: float = math.inf
    """Wall time of a technique that is named, s: the budget is for everything."""

    def allowed(self, names: int) -> float:
        """Wall time of a run of so many techniques that are named, or of everything if none is, s."""
        return min(self.budget, START + self.each * names) if names else self.budget

    def fewest(self, kind: str) -> int:
        """Launches of this kind that a group has at least."""
        return {"memory": 1, "time": self.launches[0], "quality": self.qualities}[kind]


PROFILES = {
    "quick": Settings(
        # With what comes at the end 20 minutes. Three launches show what is far from even; the noisy and the
        # wide get what is left of the budget.
        budget=1170,
        precision=0.05,
        launches=(3, 10),
        pace=Pace(lane=0.6, warm_up=0.2),
        each=100,
    ),
    "standard": Settings(
        budget=3600,
        precision=0.05,
        launches=(5, 12),
        pace=Pace(lane=1.2, warm_up=0.5),
        qualities=5,
    ),
    "full": Settings(
        budget=6 * 3600,
        precision=0.02,
        launches=(7, 30),
        pace=Pace(rounds=100, block=0.04, lane=8),
        qualities=7,
    ),
}
