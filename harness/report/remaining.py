"""How long a run still takes, from the launches it has made and the budget it has. Pure: the clock is given.

A launch to come is taken to last as long as its group's launches of that kind did, or else as any group's.
Beyond the launches that every group gets, the runner goes on until a group is precise enough: how many that
takes is told from the spread so far, and for a group not yet timed from what the others need.

Compiling comes last in a run and takes longest, so its cost is told apart: what a launch that compiles takes
beyond others of its kind, for each variant that does; in a group's first launch with nothing compiled before,
in its later ones with all of it cached. Until a launch has shown it, it is what an earlier run took for the
same cases on this machine, or else what COMPILING says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from harness import precision
from harness.record import Json
from harness.runner import Plan
from harness.settings import Settings

#: Seconds that compiling one variant adds to a launch, by whether it is its group's first: the medians of the
#: published run of the quick profile on two cores.
COMPILING = {True: 20.0, False: 3.0}


class Launch(NamedTuple):
    """What launches have in common that last as long."""

    group: str
    kind: str
    first: bool
    """Of its group, of any kind."""


class Remaining:
    """Follows a run launch by launch."""

    def __init__(self, plan: Plan, settings: Settings, earlier: Iterable[Json] = ()) -> None:
        """`earlier` holds the launches of another run of this machine and profile."""
        self._settings = settings
        self._earlier: dict[Launch, list[float]] = {}
        for launch in earlier:
            _note(self._earlier, launch)
        self._kinds = {group[0].group: plan.kinds(group[0]) for group in plan.groups}
        self._compiling = {group[0].group: sum(map(plan.compiles, group)) for group in plan.groups}
        self._made: dict[str, list[Json]] = {}
        self._seconds: dict[Launch, list[float]] = {}
        self._further: dict[str, int] = {}

    def add(self, launch: Json) -> None:
        name, kind = launch["group"], launch["kind"]
        _note(self._seconds, launch)
        if kind == "time":
            made = self._made.setdefault(name, [])
            made.append(launch)
            if len(made) >= self._settings.fewest("time"):
                wanted, most = self._settings.precision, self._settings.launches[1]
                self._further[name] = precision.further(precision.ratios(made), len(made), wanted, most)

    def launches(self) -> tuple[int, int]:
        """Launches made, and expected in all if the budget allows."""
        made = sum(map(len, self._seconds.values()))
        return made, made + math.ceil(sum(self._to_come().values()))

    def seconds(self, spent: float) -> float | None:
        """What is left after `spent` seconds of the budget; None before the first launch."""
        if not self._seconds:
            return None
        work = sum(self._last(*key, number) for key, number in self._to_come().items())
        return max(0.0, min(self._settings.budget - spent, work))

    def _to_come(self) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        usual = fmean(self._further.values()) if self._further else 0.0
        for name, kinds in self._kinds.items():
            for kind in kinds:
                made = sum(len(found) for key, found in self._seconds.items() if key[:2] == (name, kind))
                number: float = max(0, self._settings.fewest(kind) - made)
                if kind == "time":
                    number += self._further.get(name, usual)
                found[name, kind] = number
        return found

    def _last(self, name: str, kind: str, number: float) -> float:
        """Seconds of so many launches of a group, of which its first may still be to come."""
        if not number:
            return 0.0
        first = 1.0 if kind == self._kinds[name][0] and _is_first(self._seconds, name) else 0.0
        later = self._lasts(Launch(name, kind, False))
        return later * (number - first) + (self._lasts(Launch(name, kind, True)) if first else 0.0)

    def _lasts(self, key: Launch) -> float:
        """Seconds of a launch: the mean of the group's own, or else of others, with what compiling adds."""
        alike = [key, *(key._replace(first=first) for first in self._either(key))]
        for seconds in (self._seconds, self._earlier):
            own = [each for one in alike for each in seconds.get(one, ())]
            if own:
                return fmean(own)
        number = self._compiling.get(key.group, 0)
        return self._plain(key.kind) + (number * self._compile(key.first) if number else 0.0)

    def _either(self, key: Launch) -> tuple[bool, ...]:
        """Where nothing compiles, a group's first launch is like its others."""
        return () if self._compiling.get(key.group) else (not key.first,)

    def _plain(self, kind: str) -> float:
        """A launch that compiles nothing: of its kind, or else of any; 0 where all compile."""
        plain = {key: found for key, found in self._seconds.items() if not self._compiling.get(key.group)}
        return fmean(_each(plain, kind) or _each(plain) or [0.0])

    def _compile(self, first: bool) -> float:
        """What compiling a variant adds, as seen so far."""
        seen = [
            max(0.0, fmean(found) - self._plain(key.kind)) / self._compiling[key.group]
            for key, found in self._seconds.items()
            if self._compiling.get(key.group) and key.first == first
        ]
        return fmean(seen) if seen else COMPILING[first]


def _note(seconds: dict[Launch, list[float]], launch: Json) -> None:
    key = Launch(launch["group"], launch["kind"], _is_first(seconds, launch["group"]))
    seconds.setdefault(key, []).append(launch.get("seconds", 0.0))


def _is_first(seconds: Iterable[Launch], name: str) -> bool:
    return all(key.group != name for key in seconds)


def _each(seconds: Mapping[Launch, Sequence[float]], kind: str = "") -> list[float]:
    """The mean of every group, so that one with many launches weighs no more than another."""
    return [fmean(found) for key, found in seconds.items() if kind in ("", key.kind)]
