"""The runner: which launch comes next, until the answers are sharp enough or the budget ends.

First pass: each group of cases in the plan's order gets its memory, then its timing launches, so that rows
appear from the start and no group waits for another's noise. Then launches that were noisy are made again.
Then what is left of the budget goes, launch by launch, to the group that will be precise enough soonest, so
that as many as can be are. It never stops because a result looks significant; a comparison leaves such a one
to launches of its own (`Plan.leave`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from operator import itemgetter
from statistics import fmean
from typing import Protocol

from harness import precision, record
from harness.conditions import alone
from harness.launch import LAUNCHES, Start, empty, smaller
from harness.record import Case, Json
from harness.settings import Settings
from harness.store import Journal, utc_now

#: Outcomes that another launch would only repeat.
FINAL = (record.OUT_OF_MEMORY, record.TIMEOUT, "unsupported")


class Watch(Protocol):
    """Who follows the run: the terminal, or a test."""

    def planned(self, plan: Plan, settings: Settings) -> None: ...

    def begins(self, group: list[Case], kind: str, launch: int) -> None: ...

    def ends(self, group: list[Case], launch: Json) -> None: ...

    def measured(self, group: list[Case]) -> None: ...


class Conditions(Protocol):
    def start(self) -> None: ...

    def stop(self) -> Json: ...


@dataclass(frozen=True)
class Plan:
    """The groups of cases in order, with the kinds of launch that each gets."""

    groups: list[list[Case]]
    kinds: Callable[[Case], tuple[str, ...]]
    unsupported: Callable[[Case], str | None]
    """What a case lacks here, known without starting a worker; None if nothing."""
    fresh: Callable[[Case], bool]
    """Whether its worker needs an interpreter of its own."""
    compiles: Callable[[Case], bool] = lambda case: False
    """Whether its first step compiles, which takes long and much less once it is cached."""
    leave: Callable[[], Collection[str]] = tuple
    """Groups that get no launch beyond the fewest, as it stands now: something else decides about them."""


class Runner:
    def __init__(
        self,
        start: Start,
        journal: Journal,
        settings: Settings,
        conditions: Conditions,
        watch: Watch,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._journal = journal
        self._settings = settings
        self._conditions = conditions
        self._watch = watch
        self._now = now
        self._ends = now() + settings.budget
        self._sets: dict[str, list[list[Case]]] = {}
        """Of groups whose workers do not fit the device together, those that do, found out by trying."""

    def run(self, plan: Plan) -> bool:
        """Measures what `plan` asks for and the journal lacks. False if the budget ended before that."""
        self._watch.planned(plan, self._settings)
        for group in plan.groups:
            if self._over():
                return False
            if self._first_pass(group, plan):
                self._watch.measured(group)
        if not all(self._has_fewest(group, plan) for group in plan.groups):
            return False
        timed = [group for group in plan.groups if "time" in plan.kinds(group[0])]
        self._repeat(timed, plan)
        self._refine(timed, plan)
        return True

    def _over(self) -> bool:
        return self._now() >= self._ends

    def _first_pass(self, group: list[Case], plan: Plan) -> bool:
        """All launches that the group has at least; whether any was made now."""
        before = len(self._journal.run.launches)
        for kind in plan.kinds(group[0]):
            while not self._over() and self._each(group, kind) < self._settings.fewest(kind):
                self._launch(group, kind, plan)
        return len(self._journal.run.launches) > before

    def _has_fewest(self, group: list[Case], plan: Plan) -> bool:
        return all(self._each(group, kind) >= self._settings.fewest(kind) for kind in plan.kinds(group[0]))

    def _repeat(self, timed: list[list[Case]], plan: Plan) -> None:
        """Makes noisy launches again, once each: a machine that is always noisy does not hold the run up."""
        fewest = self._settings.fewest("time")
        for group in timed:
            while (
                not self._over()
                and self._each(group, "time", quiet=True) < fewest
                and self._each(group, "time") < 2 * fewest
            ):
                self._launch(group, "time", plan)
                self._watch.measured(group)

    def _each(self, group: list[Case], kind: str, quiet: bool = False) -> int:
        """Launches of this kind that every case of the group has had, if it can run; noisy ones or not."""
        made = [one for one in self._made(group, kind) if not (quiet and one["noisy"])]
        had = Counter(one["case"] for launch in made for one in launch["records"])
        return min((had[case.id] for case in group if not self._settled(case)), default=len(made))

    def _made(self, group: list[Case], kind: str) -> list[Json]:
        name = group[0].group
        return [one for one in self._journal.run.launches if one["group"] == name and one["kind"] == kind]

    def _launch(self, group: list[Case], kind: str, plan: Plan) -> None:
        """A launch, or one of each set of cases where a group's workers do not fit the device together.

        One in which some ran out of memory beside the others says nothing about any, so it is not stored.
        """
        cases = [case for case in group if not self._settled(case)]
        lacking = [
            {**empty(case), "outcome": record.unsupported(reason), "message": reason}
            for case in cases
            if (reason := plan.unsupported(case))
        ]
        able = [case for case in cases if not plan.unsupported(case)]
        todo = self._sets.pop(group[0].group, [able]) if kind == "time" else [able]
        fitted: list[list[Case]] = []
        while todo:
            chosen = todo.pop(0)
            launch = self._one(group, chosen, kind)
            if kind == "time" and (parts := smaller(chosen, launch["records"])):
                todo = parts + todo
                continue
            launch["records"], lacking = launch["records"] + lacking, []
            self._journal.append(launch)
            self._watch.ends(group, launch)
            fitted.append(chosen)
        # Without a case that has shown not to fit even alone, the others may fit together.
        if len(fitted) > 1 and not any(self._settled(case) for chosen in fitted for case in chosen):
            self._sets[group[0].group] = fitted

    def _one(self, group: list[Case], cases: list[Case], kind: str) -> Json:
        """A launch of `cases`, of this group, which the journal does not have yet."""
        number = len(self._made(group, kind))
        self._watch.begins(group, kind, number)
        started, begin = utc_now(), self._now()
        self._conditions.start()
        pace = replace(self._settings.pace, hold_several=alone(self._journal.run.launches))
        records = LAUNCHES[kind](self._start, cases, number, pace) if cases else []
        conditions = self._conditions.stop()
        launch = {
            "kind": kind,
            "group": group[0].group,
            "baseline": group[0].baseline,
            "launch": number,
            "started": started,
            "seconds": round(self._now() - begin, 3),
            "conditions": conditions,
            "records": records,
        }
        asked = self._settings.precision
        return {**launch, "noisy": precision.noise(launch, asked) if kind == "time" else ""}

    def _settled(self, case: Case) -> bool:
        """Whether an earlier launch of this run has shown that the case cannot run."""
        return any(
            one["case"] == case.id and one["outcome"].startswith(FINAL)
            for launch in self._journal.run.launches
            if launch["group"] == case.group
            for one in launch["records"]
        )

    def _refine(self, timed: list[list[Case]], plan: Plan) -> None:
        """Further launches, of what is precise enough soonest; none that would outlast the budget."""
        while not self._over():
            left, leave = self._ends - self._now(), plan.leave()
            to_go = [
                (self._lasts(group) * number, group)
                for group in timed
                if group[0].group not in leave
                and (number := self._further(group))
                and self._lasts(group) <= left
            ]
            if not to_go:
                return
            _, soonest = min(to_go, key=itemgetter(0))
            self._launch(soonest, "time", plan)
            self._watch.measured(soonest)

    def _further(self, group: list[Case]) -> int:
        """How many more timing launches it takes; 0 where it is precise enough, or none are allowed."""
        ratios = precision.ratios(self._made(group, "time"))
        allowed = self._settings.launches[1]
        return precision.further(ratios, self._each(group, "time"), self._settings.precision, allowed)

    def _lasts(self, group: list[Case]) -> float:
        """Seconds of one of its timing launches."""
        return fmean(launch["seconds"] for launch in self._made(group, "time"))
