"""How a comparison spends its budget: with workers that answer from a script and a clock that they turn."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import compare, comparing
from harness.comparing import Cell
from harness.launch import Pace
from harness.record import Case
from harness.settings import Settings
from harness.store import Journal
from tests.conftest import FakeEngine, make_cases
from tests.test_runner import Quiet

#: Of a launch: each of its two workers takes half to start, and its steps take no time.
LASTS = 10.0


class Both:
    """Two sides of which B takes `ratios` as long as A, launch by launch, and then as long."""

    def __init__(self, *ratios: float) -> None:
        self.now = 0.0
        self.engines = tuple(
            SimpleNamespace(needs=set(), renew=self._renew, prepare=lambda: None) for _ in "AB"
        )
        self.renewed = 0
        self._left = list(ratios)

    def _renew(self) -> None:
        self.renewed += 1

    def start(self, lanes: dict[str, tuple[Cell, int]]) -> Any:
        def start(lane: Case, seed: int) -> Any:
            self.now += LASTS / 2
            step = self._left.pop(0) if lane.variant == compare.B and self._left else 1.0
            engine = FakeEngine({lane.variant: {"block": {"seconds": [step]}}})
            return engine.start(lane, seed)

        return start

    def clock(self) -> float:
        return self.now


def looked(tmp_path: Path, both: Both, budget: float, most: int = 40, names: int = 1) -> tuple[bool, Journal]:
    cells = [make_cases("once", benchmark=f"b{number}")[0] for number in range(names)]
    groups = [compare.lanes(case) for case in cells]
    lanes = {
        lane.id: (Cell(case, ("time",), False), side)
        for case, group in zip(cells, groups, strict=True)
        for side, lane in enumerate(group)
    }
    plan = {"groups": [[case.as_json() for case in group] for group in groups]}
    journal = Journal.create(tmp_path, "machine", {"profile": "compare", "device": "cpu", "plan": plan})
    pace = Pace(rounds=1, block=0.1, settle=0)
    settings = Settings(budget, comparing.PRECISION, (comparing.FEWEST, most), pace)
    whole = comparing.look(both, journal, groups, lanes, settings, Quiet(), both.clock, Quiet)  # type: ignore[arg-type]
    return whole, journal


def confirms(journal: Journal) -> list[bool]:
    return [bool(launch.get("confirms")) for launch in journal.run.launches]


#: B against A, so uneven that no number of launches here is precise.
UNEVEN = [1.3, 0.7] * 50


def test_launches_are_as_short_as_the_time_of_a_case_asks_for_and_no_longer_than_the_profiles() -> None:
    most = Pace(lane=1.6, block=0.01, warm_up=0.2)
    found = [comparing.pace(most, seconds) for seconds in (1.0, 10.0, 1000.0)]
    assert [one.lane for one in found] == [comparing.SHORTEST, pytest.approx(0.4), most.lane]
    assert [one.warm_up for one in found] == [pytest.approx(0.1 / 3), pytest.approx(0.4 / 3), most.warm_up]
    assert [one.block for one in found] == [pytest.approx(0.1 / comparing.VISITS), 0.01, 0.01]
    assert {(one.slice, one.sure) for one in found} == {(comparing.SLICE, comparing.SURE)}


def test_what_is_left_of_the_budget_goes_to_what_is_not_told_yet(tmp_path: Path) -> None:
    """The first look ends at 65 % of it; of what is left another takes 65 %, and so on."""
    both = Both(*UNEVEN)
    whole, journal = looked(tmp_path, both, budget=200.0)
    assert whole
    assert not any(confirms(journal))
    assert 200 - LASTS / comparing.FIRST_LOOK < both.now <= 200
    assert len(journal.run.launches) == both.now / LASTS > comparing.FIRST_LOOK * 200 / LASTS + 2


def test_what_the_first_look_had_no_time_for_gets_what_is_left(tmp_path: Path) -> None:
    """It ends after seven launches of the nine that three cases have at least, and nothing looks changed."""
    whole, journal = looked(tmp_path, Both(), budget=100.0, names=3)
    assert whole
    assert len(journal.run.launches) == 9


def test_it_ends_where_no_launch_is_missing(tmp_path: Path) -> None:
    for number, (both, made) in enumerate([(Both(), 3), (Both(*UNEVEN), 5)]):
        whole, journal = looked(tmp_path / str(number), both, budget=1000.0, most=5)
        assert whole
        assert len(journal.run.launches) == made


def test_what_looks_changed_is_measured_again_from_new_warm_processes(tmp_path: Path) -> None:
    both = Both(*[1.1, 1.101, 1.099] * 3)
    whole, journal = looked(tmp_path, both, budget=1000.0)
    assert whole
    assert confirms(journal) == [False] * 3 + [True] * 2
    assert both.renewed == 2


def test_what_looks_changed_is_left_to_the_second_look_and_others_go_on(tmp_path: Path) -> None:
    """Launches of b0 tell a change, and hardly how large it is; that takes what is left at the end."""
    both = Both(3.0, 2.3, 3.9, *[1.0] * 3, *[3.0, 2.3, 3.9] * 8)
    whole, journal = looked(tmp_path, both, budget=220.0, names=2)
    kinds = [(one["group"].split("/")[0], bool(one.get("confirms"))) for one in journal.run.launches]
    second = kinds.count(("b0", True))
    assert whole
    assert second
    assert kinds[: 6 + second] == [("b0", False)] * 3 + [("b1", False)] * 3 + [("b0", True)] * second
    assert kinds[6 + second :] == [("b0", False)] * (220 // int(LASTS) - 6 - second)


def test_what_comes_to_look_changed_later_is_measured_again_too(tmp_path: Path) -> None:
    """Three uneven launches tell nothing; those that time was left for do."""
    both = Both(1.02, 1.3, 1.1, *[1.1, 1.12, 1.11] * 20)
    _, journal = looked(tmp_path, both, budget=70.0)
    assert confirms(journal) == [False] * 5 + [True] * 2


@pytest.mark.parametrize(("budget", "launches"), [(25.0, 2), (0.0, 0)])
def test_a_budget_too_small_for_the_fewest_launches_says_so(
    tmp_path: Path, budget: float, launches: int
) -> None:
    whole, journal = looked(tmp_path, Both(), budget)
    assert not whole
    assert len(journal.run.launches) == launches
