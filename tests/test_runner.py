"""Which launch comes next: tested with workers that answer from a script and a clock that we turn."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import pytest

from harness import precision, store
from harness.launch import Pace
from harness.record import Case, Json
from harness.runner import Plan, Runner
from harness.settings import Settings
from harness.store import Journal
from tests.conftest import FakeEngine, failed, make_cases, times

SETTINGS = Settings(
    budget=1000, precision=0.05, launches=(3, 6), pace=Pace(rounds=1, block=0.1, settle=0), qualities=2
)


class Quiet:
    """Conditions and a watch that note what happened."""

    def __init__(self, *throttled: float) -> None:
        self.throttled = list(throttled)
        self.rows: list[str] = []
        self.kinds: list[str] = []

    def start(self) -> None: ...

    def stop(self) -> Json:
        return {"throttled": self.throttled.pop(0) if self.throttled else 0.0}

    def planned(self, plan: Plan, settings: Settings) -> None: ...

    def begins(self, group: list[Case], kind: str, launch: int) -> None: ...

    def ends(self, group: list[Case], launch: Json) -> None:
        self.kinds.append(f"{launch['group'].split('/')[0]} {launch['kind']}")

    def measured(self, group: list[Case]) -> None:
        self.rows.append(group[0].benchmark)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    info = {"profile": "quick", "device": "cpu", "plan": {"groups": []}}
    return Journal.create(tmp_path, "machine", info)


def plan(*groups: list[Case], kinds: tuple[str, ...] = ("memory", "time"), lacking: str = "") -> Plan:
    return Plan(
        list(groups),
        kinds=lambda case: kinds,
        unsupported=lambda case: "needs CUDA" if case.variant == lacking else None,
        fresh=lambda case: False,
    )


def run(journal: Journal, planned: Plan, engine: FakeEngine | None = None, **given: Any) -> Quiet:
    quiet = given.pop("quiet", None) or Quiet()
    settings = given.pop("settings", SETTINGS)
    made = Runner((engine or FakeEngine()).start, journal, settings, quiet, quiet, **given)
    made.run(planned)
    return quiet


def test_each_group_is_whole_before_the_next_so_that_rows_appear(journal: Journal) -> None:
    quiet = run(journal, plan(make_cases("a", "b", benchmark="one"), make_cases("a", "b", benchmark="two")))
    each = ["memory", "time", "time", "time"]
    assert quiet.kinds == [f"one {kind}" for kind in each] + [f"two {kind}" for kind in each]
    assert quiet.rows == ["one", "two"]


def test_what_the_journal_has_is_not_measured_again(journal: Journal) -> None:
    planned = plan(make_cases("a", "b", benchmark="one"), make_cases("a", "b", benchmark="two"))
    run(journal, planned)
    lines = (journal.run.folder / store.JOURNAL).read_text()
    again = run(journal, planned)
    assert again.kinds == []
    assert (journal.run.folder / store.JOURNAL).read_text() == lines


def test_a_run_goes_on_where_it_was_cut(journal: Journal) -> None:
    planned = plan(make_cases("a", "b"))
    run(journal, planned)
    journal.run.launches[2:] = []
    assert run(journal, planned).kinds == ["speed time"] * 2
    assert [launch["launch"] for launch in journal.run.launches] == [0, 0, 1, 2]


def test_the_budget_ends_a_run_between_launches(journal: Journal) -> None:
    ticks = iter(range(0, 100_000, 100))
    quiet = Quiet()
    made = Runner(FakeEngine().start, journal, SETTINGS, quiet, quiet, now=lambda: float(next(ticks)))
    groups = [make_cases("a", "b", benchmark=f"b{number}") for number in range(9)]
    assert made.run(plan(*groups)) is False
    assert 0 < len(journal.run.launches) < 9 * 4


def wobbling(spread: float, **of: float) -> FakeEngine:
    """A variant whose ratio moves by `spread` from launch to launch, or by that `of` its benchmark."""

    class Engine(FakeEngine):
        def start(self, case: Case, seed: int) -> Any:
            count = sum(worker.case.id == case.id for worker in self.workers)
            moved = of.get(case.benchmark, spread) * (-1) ** count
            seconds = 0.1 * math.exp(moved) if case.variant == "b" else 0.1
            self.scripts[case.variant] = {"block": times([seconds] * 2)}
            return super().start(case, seed)

    return Engine()


def test_a_wide_interval_is_refined_and_never_past_the_most(journal: Journal) -> None:
    quiet = run(journal, plan(make_cases("a", "b"), kinds=("time",)), wobbling(0.3))
    assert len(quiet.kinds) == SETTINGS.launches[1]


def test_what_will_be_narrow_soonest_is_refined_first(journal: Journal) -> None:
    wild, mild = (make_cases("a", "b", benchmark=name) for name in ("wild", "mild"))
    engine, each_look_a_second = wobbling(0.3, mild=0.03), itertools.count().__next__
    quiet = run(journal, plan(wild, mild, kinds=("time",)), engine, now=each_look_a_second)
    refined = quiet.kinds[2 * SETTINGS.launches[0] :]
    assert refined == ["mild time"] * refined.count("mild time") + ["wild time"] * 3
    assert "mild time" in refined


def test_what_is_left_to_others_is_not_refined_but_has_its_fewest_launches(journal: Journal) -> None:
    wild, mild = (make_cases("a", "b", benchmark=name) for name in ("wild", "mild"))
    planned = dataclasses.replace(
        plan(wild, mild, kinds=("time",)), leave=lambda: {wild[0].group} if journal.run.launches else ()
    )
    quiet = run(journal, planned, wobbling(0.3, mild=0.03))
    assert quiet.kinds.count("wild time") == SETTINGS.launches[0] < quiet.kinds.count("mild time")


def test_no_launch_is_refined_that_would_outlast_the_budget(journal: Journal) -> None:
    engine, clock = wobbling(0.3), [0.0]
    start = engine.start

    def slow(case: Case, seed: int) -> Any:
        clock[0] += 50
        return start(case, seed)

    engine.start = slow  # type: ignore[method-assign]
    settings = dataclasses.replace(SETTINGS, budget=450)
    planned = plan(make_cases("a", "b"), kinds=("time",))
    quiet = run(journal, planned, engine, settings=settings, now=lambda: clock[0])
    assert quiet.kinds == ["speed time"] * 4


def test_a_narrow_interval_is_left_alone(journal: Journal) -> None:
    quiet = run(journal, plan(make_cases("a", "b"), kinds=("time",)), wobbling(0.001))
    assert len(quiet.kinds) == SETTINGS.launches[0]


def test_a_large_effect_does_not_end_the_measuring_early(journal: Journal) -> None:
    engine = FakeEngine({"b": {"block": times([9.0] * 2)}})
    assert len(run(journal, plan(make_cases("a", "b"), kinds=("time",)), engine).kinds) == 3


def test_a_noisy_launch_is_kept_flagged_and_measured_again(journal: Journal) -> None:
    quiet = run(journal, plan(make_cases("a", "b"), kinds=("time",)), quiet=Quiet(0.0, 5.0))
    assert len(quiet.kinds) == 4
    assert [bool(launch["noisy"]) for launch in journal.run.launches] == [False, True, False, False]


def test_no_group_waits_for_the_noise_of_another(journal: Journal) -> None:
    both = [make_cases("a", "b", benchmark=name) for name in ("one", "two")]
    quiet = run(journal, plan(*both, kinds=("time",)), quiet=Quiet(5.0))
    assert quiet.kinds == ["one time"] * 3 + ["two time"] * 3 + ["one time"]


def test_a_machine_that_is_always_noisy_does_not_hold_the_run_up(journal: Journal) -> None:
    quiet = run(journal, plan(make_cases("a", "b"), kinds=("time",)), quiet=Quiet(*[5.0] * 99))
    assert len(quiet.kinds) == 6


def test_threads_are_left_free_after_a_launch_that_had_others_beside_it(journal: Journal) -> None:
    class Beside(Quiet):
        def stop(self) -> Json:
            return {"load_of_others": 1.0}

    warm = {"first_step": 0.3, "warmup": [0.1], "threads": 2}
    engine = FakeEngine({name: {"warm_up": warm} for name in "ab"})
    run(journal, plan(make_cases("a", "b"), kinds=("time",)), engine, quiet=Beside())
    assert [command for _, command in engine.heard].count("hold") == 2, "the first launch knew of nobody"


def test_what_lacks_something_is_stored_with_the_reason_and_no_worker(journal: Journal) -> None:
    engine = FakeEngine()
    run(journal, plan(make_cases("a", "b"), lacking="b"), engine)
    (first, *rest) = journal.run.launches
    assert [one["outcome"] for one in first["records"]] == ["ok", "unsupported: needs CUDA"]
    assert all(len(launch["records"]) == 1 for launch in rest)
    assert {variant for variant, _ in engine.heard} == {"a"}


@pytest.mark.parametrize("outcome", ["out-of-memory", "timeout", "unsupported: no"])
def test_what_cannot_run_is_not_tried_again(journal: Journal, outcome: str) -> None:
    engine = FakeEngine({"b": {"build": failed(outcome)}})
    run(journal, plan(make_cases("a", "b")), engine)
    assert engine.heard.count(("b", "build")) == 1
    assert len(journal.run.launches) == 4


def test_a_crash_is_tried_in_every_launch(journal: Journal) -> None:
    engine = FakeEngine({"b": {"build": failed("crashed: SIGSEGV")}})
    run(journal, plan(make_cases("a", "b")), engine)
    assert engine.heard.count(("b", "build")) == 4


def test_an_interrupt_leaves_whole_launches_only(journal: Journal) -> None:
    class Interrupted(FakeEngine):
        def start(self, case: Case, seed: int) -> Any:
            if len(self.workers) == 5:
                raise KeyboardInterrupt
            return super().start(case, seed)

    engine = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(journal, plan(make_cases("a", "b")), engine)
    assert all(worker.closed for worker in engine.workers)
    assert len(store.read(journal.run.folder).launches) == 2


class Device(FakeEngine):
    """Workers that take `sizes` of a memory of `room`: warming up over it is out of memory for that one."""

    def __init__(self, room: int, **sizes: int) -> None:
        super().__init__()
        self.room, self.sizes = room, sizes
        self.together: list[str] = []

    def start(self, case: Case, seed: int) -> Any:
        alive = [worker for worker in self.workers if not worker.closed]
        names = [*(worker.case.variant for worker in alive), case.variant]
        self.together.append("".join(sorted(names)))
        full = sum(self.sizes[name] for name in names) > self.room
        self.scripts[case.variant] = {"warm_up": failed("out-of-memory")} if full else {}
        return super().start(case, seed)


def compared(journal: Journal) -> list[str]:
    """Who shared each timing launch that was stored."""
    timed = [launch for launch in journal.run.launches if launch["kind"] == "time"]
    return ["".join(one["variant"] for one in launch["records"]) for launch in timed]


def test_what_does_not_fit_together_is_split_each_part_with_its_own_baseline(journal: Journal) -> None:
    engine = Device(room=3, a=1, b=1, c=1, d=1, e=1)
    run(journal, plan(make_cases("a", "b", "c", "d", "e")), engine)
    assert compared(journal) == ["abc", "ade"] * 3
    assert [one["outcome"] for launch in journal.run.launches for one in launch["records"]] == ["ok"] * 23
    assert len(precision.ratios(journal.run.launches)["e"]) == 3
    assert engine.together.count("abcde") == 1, "tried once"


def test_a_run_that_goes_on_finds_the_sets_again_and_repeats_none(journal: Journal) -> None:
    planned = plan(make_cases("a", "b", "c"), kinds=("time",))
    run(journal, planned, Device(room=2, a=1, b=1, c=1))
    del journal.run.launches[3:]
    run(journal, planned, Device(room=2, a=1, b=1, c=1))
    assert compared(journal)[3:] == ["ab", "ac"] * 2, "c lacks two"


def test_what_does_not_fit_beside_its_baseline_is_timed_alone(journal: Journal) -> None:
    run(journal, plan(make_cases("a", "b", "c"), kinds=("time",)), Device(room=5, a=2, b=2, c=4))
    assert compared(journal) == ["ab", "a", "c"] * 3
    assert set(precision.ratios(journal.run.launches)) == {"b"}


def test_what_does_not_fit_at_all_is_out_of_memory_and_the_others_are_together_again(
    journal: Journal,
) -> None:
    run(journal, plan(make_cases("a", "b", "c"), kinds=("time",)), Device(room=3, a=1, b=1, c=9))
    assert compared(journal) == ["ab", "a", "c", "ab", "ab"]
    last = [one for launch in journal.run.launches for one in launch["records"] if one["variant"] == "c"]
    assert [one["outcome"] for one in last] == ["out-of-memory"]
