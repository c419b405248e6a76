"""The time left of a run, played again from its journal: nothing waits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness import store
from harness.record import Case, Json
from harness.report.remaining import Remaining
from harness.runner import Plan
from harness.settings import PROFILES
from tests import handmade as hand

RUN = Path(__file__).parents[2] / "results" / "amd-epyc-2c-24g" / "2026-11-21T115200-quick-61a9"
#: What that run was made with.
SETTINGS = dataclasses.replace(PROFILES["quick"], budget=480, launches=(3, 10))


def planned(groups: list[list[Case]], kinds: dict[str, tuple[str, ...]]) -> Plan:
    return Plan(groups, lambda case: kinds[case.group], lambda case: None, lambda case: False)


def one_group(*kinds: str) -> tuple[list[Case], Plan]:
    cases = hand.group("fp32", "bf16")
    return cases, planned([cases], {cases[0].group: kinds})


def test_a_stored_run_is_foretold_within_30_percent_after_its_first_minute() -> None:
    if not RUN.exists():
        pytest.fail(f"{RUN} is needed: a run whose launches are played again")
    run = store.read(RUN)
    names = {launch["group"] for launch in run.launches}
    kinds = {
        name: tuple(dict.fromkeys(one["kind"] for one in run.launches if one["group"] == name))
        for name in names
    }
    remaining = Remaining(planned(run.groups, kinds), SETTINGS)
    total, now, asked = sum(one["seconds"] for one in run.launches), 0.0, 0
    for launch in run.launches:
        now += launch["seconds"]
        remaining.add(launch)
        told = remaining.seconds(now)
        if now >= 60:
            asked += 1
            # The budget ends a run after the launch that is running then, so a launch's length is allowed.
            assert told == pytest.approx(total - now, rel=0.3, abs=launch["seconds"])
    assert asked > 40


def test_nothing_is_said_before_the_first_launch() -> None:
    _, plan = one_group("time")
    assert Remaining(plan, SETTINGS).seconds(0) is None


def test_the_budget_bounds_it() -> None:
    cases, plan = one_group("memory", "time")
    remaining = Remaining(plan, dataclasses.replace(SETTINGS, budget=100))
    remaining.add({**hand.weighed(cases, {})[0], "seconds": 50.0})
    assert remaining.seconds(50) == 50
    assert remaining.seconds(70) == 30
    assert remaining.seconds(200) == 0


def test_launches_to_come_last_as_long_as_those_of_their_kind() -> None:
    cases, plan = one_group("memory", "time")
    remaining = Remaining(plan, SETTINGS)
    remaining.add({**hand.weighed(cases, {})[0], "seconds": 9.0})
    assert remaining.seconds(9) == 27
    remaining.add({**hand.timed(cases, [{"fp32": 2, "bf16": 1}])[0], "seconds": 4.0})
    assert remaining.seconds(13) == 8
    assert remaining.launches() == (2, 4)


class Clock:
    """A runner's clock that a played launch winds."""

    def __init__(self) -> None:
        self.now = 0.0


Told = tuple[float, list[tuple[float, float, float]], list[Json]]


def played(cost: float, cached: float, earlier: list[Json] | None = None) -> Told:
    """A run of 8 plain groups and then 4 that compile two variants each, in the runner's order.

    Its length; for each launch when it ended, how long it took and what was told to be left; the launches.
    """
    plain = [hand.group("fp32", "bf16", batch=n) for n in range(1, 9)]
    compiled = [hand.group("eager", "one", "two", benchmark="compile", batch=n) for n in range(1, 5)]
    groups = [*plain, *compiled]
    plan = Plan(
        groups,
        lambda case: ("memory", "time"),
        lambda case: None,
        lambda case: False,
        lambda case: case.variant in ("one", "two"),
    )
    settings = dataclasses.replace(PROFILES["quick"], budget=3600, launches=(4, 10))
    remaining, clock, told, made = Remaining(plan, settings, earlier or []), Clock(), [], []
    for cases in groups:
        compiles = cases[0].benchmark == "compile"
        times = [{case.variant: 2.0 - (not case.is_baseline) for case in cases}] * 4
        memory = {case.variant: {"peak": 1} for case in cases}
        for launch in [*hand.weighed(cases, memory), *hand.timed(cases, times)]:
            first = launch["kind"] == "memory"
            seconds = (3.0 if first else 4.0) + 2 * compiles * (cost if first else cached)
            clock.now += seconds
            made.append({**launch, "seconds": seconds})
            remaining.add(made[-1])
            left = remaining.seconds(clock.now)
            assert left is not None
            told.append((clock.now, seconds, left))
    return clock.now, told, made


@pytest.mark.parametrize(("cost", "cached"), [(20.0, 3.0), (25.0, 4.0), (16.0, 2.0)])
def test_compiling_is_in_the_time_left_before_anything_has_compiled(cost: float, cached: float) -> None:
    total, told, _ = played(cost, cached)
    after = [(now, left) for now, _, left in told if now >= 60 and total - now > 30]
    assert after[0][0] < 70, "of 8 plain groups, so that nothing has compiled yet"
    for now, left in after:
        assert left == pytest.approx(total - now, rel=0.3)


def test_what_compiling_takes_here_is_learnt_from_the_first_that_compiles() -> None:
    total, told, _ = played(200.0, 40.0)
    seen = [(now, left) for now, seconds, left in told if seconds > 80][1:]
    for now, left in seen[:-1]:
        assert left == pytest.approx(total - now, rel=0.05)


def test_an_earlier_run_of_the_machine_tells_what_compiling_takes_there() -> None:
    _, _, before = played(200.0, 40.0)
    total, told, _ = played(210.0, 38.0, before)
    assert len(told) == len(before)
    for now, _, left in told[1:-1]:
        assert left == pytest.approx(total - now, rel=0.1)
