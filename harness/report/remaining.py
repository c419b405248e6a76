"""How long a run still takes, from the launches it has made and the budget it has. Pure: the clock is given.

A launch to come is taken to last as long as its group's launches of that kind did, or else as any group's.
Beyond the launches that every group gets, the runner goes on until a group is precise enough: how many that
takes is told from the spread so far, and for a group not yet timed from what the others need. What no launch
has shown yet, such as what compiling costs, is not in it until the first launch that compiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from harness import stats
from harness.record import Json
from harness.runner import Plan, Settings, group_effects


class Remaining:
    """Follows a run launch by launch."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self._settings = settings
        self._kinds = {group[0].group: plan.kinds(group[0]) for group in plan.groups}
        self._made: dict[str, list[Json]] = {}
        self._seconds: dict[tuple[str, str], list[float]] = {}
        self._further: dict[str, int] = {}

    def add(self, launch: Json) -> None:
        name, kind = launch["group"], launch["kind"]
        self._seconds.setdefault((name, kind), []).append(launch["seconds"])
        if kind == "time":
            made = self._made.setdefault(name, [])
            made.append(launch)
            if len(made) >= self._settings.fewest("time"):
                self._further[name] = further(made, self._settings)

    def launches(self) -> tuple[int, int]:
        """Launches made, and expected in all if the budget allows."""
        made = sum(map(len, self._seconds.values()))
        return made, made + math.ceil(sum(self._to_come().values()))

    def seconds(self, spent: float) -> float | None:
        """What is left after `spent` seconds of the budget; None before the first launch."""
        if not self._seconds:
            return None
        work = sum(number * self._lasts(*key) for key, number in self._to_come().items())
        return max(0.0, min(self._settings.budget - spent, work))

    def _to_come(self) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        usual = fmean(self._further.values()) if self._further else 0.0
        for name, kinds in self._kinds.items():
            for kind in kinds:
                made = len(self._seconds.get((name, kind), ()))
                number: float = max(0, self._settings.fewest(kind) - made)
                if kind == "time":
                    number += self._further.get(name, usual)
                found[name, kind] = number
        return found

    def _lasts(self, name: str, kind: str) -> float:
        """Seconds of a launch: the mean of the group's, of its kind's, or of all."""
        own = self._seconds.get((name, kind))
        return fmean(own or _each(self._seconds, kind) or _each(self._seconds))


def _each(seconds: Mapping[tuple[str, str], Sequence[float]], kind: str = "") -> list[float]:
    """The mean of every group, so that one with many launches weighs no more than another."""
    return [fmean(found) for (_, of), found in seconds.items() if kind in ("", of)]


def further(made: Sequence[Json], settings: Settings) -> int:
    """How many more timing launches the runner will make of a group with these."""
    wanted = [_wanted(effects, settings) for effects in group_effects(made).values()]
    return max(0, min(max(wanted, default=0), settings.launches[1]) - len(made))


def _wanted(effects: Sequence[float], settings: Settings) -> int:
    """Launches in all until the ratio is precise enough, as its spread so far has it."""
    if stats.ratio(effects).half_width <= settings.precision:
        return 0
    found = stats.launches_needed(effects, settings.precision)
    return settings.launches[1] if found is None else max(found, len(effects) + 1)
