"""The time left of a run, played again from its journal: nothing waits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness import store
from harness.record import Case
from harness.report.remaining import Remaining, further
from harness.runner import PROFILES, Plan
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


def test_a_group_that_is_precise_enough_needs_no_more() -> None:
    cases, _ = one_group("time")
    assert further(hand.timed(cases, [{"fp32": 2, "bf16": 1}] * 3), SETTINGS) == 0
    scattered = hand.timed(cases, [{"fp32": r, "bf16": 1} for r in hand.around(2, spread=0.3)])
    assert further(scattered, SETTINGS) == 7
    little = hand.timed(cases, [{"fp32": r, "bf16": 1} for r in hand.around(2, spread=0.025)])
    assert 1 <= further(little, SETTINGS) <= 3
