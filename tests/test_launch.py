"""The order of a launch, and that one worker's failure is its own."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest

from harness import launch, stats
from harness.errors import WorkerFailed
from harness.launch import Pace
from harness.record import Json
from tests.conftest import FakeEngine, FakeWorker, failed, make_cases, times

PACE = Pace(rounds=3, block=0.1, lane=100, settle=0)


def visits(engine: FakeEngine) -> list[str]:
    return [variant for variant, command in engine.heard if command == "block"]


def test_a_round_is_mirrored_so_that_drift_falls_on_all_alike() -> None:
    engine = FakeEngine()
    launch.time_launch(engine.start, make_cases("a", "b", "c"), 0, PACE)
    order = visits(engine)
    assert len(order) == 3 * 2 * 3
    for begin in range(0, 18, 6):
        round_ = order[begin : begin + 6]
        assert round_ == round_[::-1]
        assert sorted(round_[:3]) == ["a", "b", "c"]


def test_the_lead_is_drawn_and_differs_between_rounds_and_launches() -> None:
    leads = set()
    for number in range(6):
        engine = FakeEngine()
        launch.time_launch(engine.start, make_cases("a", "b"), number, PACE)
        leads.add(tuple(visits(engine)))
    assert len(leads) > 1


def test_who_starts_and_warms_up_first_is_drawn() -> None:
    """The second of two was 1 % slower in a workload that takes much memory."""
    firsts = set()
    for number in range(8):
        engine = FakeEngine()
        launch.time_launch(engine.start, make_cases("a", "b"), number, PACE)
        warmed = [who for who, command in engine.heard if command == "warm_up"]
        firsts.add((engine.workers[0].case.variant, warmed[0]))
    assert {one for one, _ in firsts} == {one for _, one in firsts} == {"a", "b"}


def test_records_hold_the_raw_blocks_by_visit() -> None:
    engine = FakeEngine({"b": {"block": times([0.2, 0.3] * 3)}})
    _, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert b["blocks"] == [[0.2], [0.3]] * 3
    assert len(set(b["visits"])) == 6


def test_all_are_warmed_up_and_compared_before_any_is_timed() -> None:
    engine = FakeEngine()
    launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    commands = [command for _, command in engine.heard]
    first_block = commands.index("block")
    assert (
        commands[:first_block]
        == ["build"] * 2 + ["warm_up"] * 2 + ["evidence"] + ["equality"] * 2 + ["free"] + ["hold"] * 2
    )
    assert set(commands[first_block:-2]) == {"block"}
    assert commands[-2:] == ["figures"] * 2


def test_what_a_job_tells_of_itself_is_kept() -> None:
    told = {"figures": {"hit rate": 0.5, "bottleneck": "loading"}}
    engine = FakeEngine({"b": {"figures": [told]}})
    _, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert b["figures"] == {"hit rate": 0.5, "bottleneck": "loading"}


@pytest.mark.parametrize("command", ["build", "warm_up", "equality"])
def test_a_failed_variant_leaves_the_others_measured(command: str) -> None:
    engine = FakeEngine({"b": {command: failed("crashed: SIGKILL", "killed")}})
    a, b, c = launch.time_launch(engine.start, make_cases("a", "b", "c"), 0, PACE)
    assert (b["outcome"], b["message"]) == ("crashed: SIGKILL", "killed")
    assert a["outcome"] == c["outcome"] == "ok"
    assert len(a["blocks"]) == len(c["blocks"]) == 6
    assert all(worker.closed for worker in engine.workers)


def test_a_failure_between_two_visits_leaves_whole_rounds_only() -> None:
    engine = FakeEngine({"b": {"block": [*times([0.1, 0.1, 0.1]), failed("timeout")]}})
    a, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert b["outcome"] == "timeout"
    assert len(b["blocks"]) == 2
    assert len(a["blocks"]) == 6


def test_a_failed_baseline_leaves_times_without_a_comparison() -> None:
    engine = FakeEngine({"a": {"warm_up": failed("out-of-memory")}})
    a, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert a["outcome"] == "out-of-memory"
    assert "equality" not in b
    assert len(b["blocks"]) == 6


def test_a_slow_variant_gets_fewer_rounds_than_the_others() -> None:
    engine = FakeEngine({"b": {"block": times([60.0] * 6)}})
    a, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert len(a["blocks"]) == 6
    assert len(b["blocks"]) == 2


def test_memory_is_read_from_one_worker_at_a_time() -> None:
    engine = FakeEngine()
    a, b = launch.memory_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert [variant for variant, _ in engine.heard] == ["a"] * 5 + ["b"] * 4
    assert a["flops"] == 1000
    assert "flops" not in b
    assert a["host"] == {"peak_rss": 300, "start_rss": 100}


def test_quality_takes_another_seed_for_each_launch() -> None:
    engine = FakeEngine()
    for number in range(3):
        launch.quality_launch(engine.start, make_cases("a", "b"), number, PACE)
    assert engine.seeds == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("step", "steps"),
    [(0.0, 500_000), (1e-6, 50_000), (0.001, 50), (0.01, 5), (0.0201, 4), (0.06, 1), (0.3, 1), (5.0, 1)],
)
def test_a_visit_fills_a_block_and_has_steps_enough_to_leave_the_cold_ones_out(
    step: float, steps: int
) -> None:
    assert launch.steps_per_visit(step, replace(PACE, block=0.05)) == steps


def test_a_lane_has_been_timed_for_all_of_its_steps() -> None:
    """Of which not all are sent."""
    engine = FakeEngine({"b": {"block": [{"seconds": [0.1], "took": 60.0}] * 6}})
    a, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, PACE)
    assert (len(a["blocks"]), len(b["blocks"])) == (6, 2)


def told(engine: FakeEngine) -> list[tuple[str, str]]:
    return [one for one in engine.heard if one[1] in ("hold", "block")]


def test_all_lanes_are_held_on_a_cpu_or_none_is() -> None:
    engine = FakeEngine()
    launch.time_launch(engine.start, make_cases("a", "b"), 3, PACE)
    assert [command for _, command in told(engine)[:3]] == ["hold", "hold", "block"]
    engine = FakeEngine({"b": {"hold": {}}})
    launch.time_launch(engine.start, make_cases("a", "b"), 3, PACE)
    assert told(engine)[:4] == [("a", "hold"), ("b", "hold")] * 2
    assert told(engine)[4][1] == "block"


@pytest.mark.parametrize(("free", "turn"), [({"turn": 4}, 4), ({}, 3)])
def test_all_are_held_where_the_first_finds_nobody_else(free: dict[str, int], turn: int) -> None:
    engine = FakeEngine({"a": {"free": free}})
    launch.time_launch(engine.start, make_cases("a", "b"), 3, PACE)
    assert [who for who, command in engine.heard if command == "free"] == ["a"]
    assert any(("free", {"turn": 3}) in worker.asked for worker in engine.workers)
    assert all(("hold", {"turn": turn}) in worker.asked for worker in engine.workers)


@pytest.mark.parametrize(("threads", "held"), [(1, True), (2, False)])
def test_beside_other_work_steps_on_several_threads_are_left_free(threads: int, held: bool) -> None:
    warm = {"first_step": 0.3, "warmup": [0.1], "threads": threads}
    engine = FakeEngine({"b": {"warm_up": warm}})
    launch.time_launch(engine.start, make_cases("a", "b"), 3, replace(PACE, hold_several=False))
    assert ("b", "hold") in told(engine) or not held
    assert ("a", "hold") not in told(engine) or held


def test_what_the_runner_uses_while_a_worker_is_timed_is_a_share_of_a_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of every second that it waits for a block it works a quarter."""
    seconds = itertools.count()
    monkeypatch.setattr("harness.launch.time.perf_counter", lambda: float(next(seconds)))
    worked = itertools.count(step=0.25)
    monkeypatch.setattr("harness.launch.time.process_time", lambda: float(next(worked)))
    for one in launch.time_launch(FakeEngine().start, make_cases("a", "b"), 0, PACE):
        assert one["runner"] == 0.25
    broken = FakeEngine({"b": {"warm_up": failed("crashed")}})
    assert launch.time_launch(broken.start, make_cases("a", "b"), 0, PACE)[1]["runner"] == 0


def test_reading_an_answer_is_not_counted_for_no_worker_runs_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"wall": 0.0, "worked": 0.0}

    def passes(seconds: float, share: float) -> None:
        now["wall"] += seconds
        now["worked"] += share * seconds

    class Timed(FakeWorker):
        def begin(self, command: str, **arguments: Any) -> None:
            passes(0.5, 0.2)
            super().begin(command, **arguments)

        def wait(self, limit: float, command: str) -> None:
            passes(9.5, 0.0)

        def answer(self, limit: float, command: str = "build") -> Json:
            passes(5.0, 1.0)
            return super().answer(limit, command)

    monkeypatch.setattr("harness.launch.time.perf_counter", lambda: now["wall"])
    monkeypatch.setattr("harness.launch.time.process_time", lambda: now["worked"])
    found = launch.time_launch(lambda case, seed: Timed(case, {}, []), make_cases("a", "b"), 0, PACE)
    assert [one["runner"] for one in found] == [0.01, 0.01]


def long(*stoppable: bool, seconds: float = 1.0) -> FakeEngine:
    """Variants a, b, ... with steps of so many seconds, some of which can take turns within them."""
    warm = {"first_step": seconds, "warmup": [seconds], "threads": 1}
    told = [warm | ({"stoppable": True} if one else {}) for one in stoppable]
    return FakeEngine({name: {"warm_up": one} for name, one in zip("abc", told, strict=False)})


def test_long_steps_that_compute_take_turns_within_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def sliced(workers: list[tuple[Any, int]], slice: float, limit: float) -> list[float]:
        asked.append(([one.case.variant for one, _ in workers], slice, limit))
        return [steps * (2.0 if one.case.variant == "b" else 1.0) for one, steps in workers]

    monkeypatch.setattr("harness.slices.visits", sliced)
    engine = long(True, True)
    pace = replace(PACE, limit=50, slice=0.01)
    a, b = launch.time_launch(engine.start, make_cases("a", "b"), 0, pace)
    assert visits(engine) == []
    assert (a["blocks"], b["blocks"]) == ([[1.0]] * 6, [[2.0]] * 6)
    assert sorted(a["visits"] + b["visits"]) == list(range(12))
    assert a["slice"] == b["slice"] == 0.01
    assert "stoppable" not in a
    assert len(asked) == 6
    assert all(asked[n][0] == asked[n + 1][0][::-1] for n in (0, 2, 4))
    assert asked[0][1:] == (0.01, 50)


@pytest.mark.parametrize(("slice", "visits"), [(0.004, 1), (0.006, 2)])
def test_one_visit_of_many_turns_is_enough_where_it_fills_the_launch(
    slice: float, visits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a second: 200 turns of 5 ms, or 167 of 6."""
    asked = []

    def sliced(workers: list[tuple[Any, int]], slice: float, limit: float) -> list[float]:
        asked.append(slice)
        return [2.0 if one.case.variant == "b" else 1.0 for one, _ in workers]

    monkeypatch.setattr("harness.slices.visits", sliced)
    pace = replace(PACE, slice=slice, lane=0.9)
    a, b = launch.time_launch(long(True, True).start, make_cases("a", "b"), 0, pace)
    assert (a["blocks"], b["blocks"]) == ([[1.0]] * visits, [[2.0]] * visits)
    assert asked == [max(slice, 0.005)] * visits == [a["slice"]] * visits
    assert stats.rounds([1.0] * visits, [2.0] * visits) == [pytest.approx(math.log(2))]


def test_where_one_does_not_fill_it_rounds_are_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.slices.visits", lambda workers, slice, limit: [1.0, 1.0])
    pace = replace(PACE, slice=0.004, lane=1.1)
    a, _ = launch.time_launch(long(True, True).start, make_cases("a", "b"), 0, pace)
    assert len(a["blocks"]) == 2


def test_slices_of_long_steps_are_longer_up_to_ten_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.slices.visits", lambda workers, slice, limit: [12.0, 12.0])
    engine = long(True, True, seconds=12.0)
    a, _ = launch.time_launch(engine.start, make_cases("a", "b"), 0, replace(PACE, slice=0.004))
    assert a["slice"] == 0.01


@pytest.mark.parametrize(("stoppable", "slice"), [(False, 0.01), (True, 0.5)])
def test_they_do_not_if_one_of_them_cannot_or_is_short(stoppable: bool, slice: float) -> None:
    engine = long(True, stoppable)
    a, _ = launch.time_launch(engine.start, make_cases("a", "b"), 0, replace(PACE, slice=slice))
    assert len(visits(engine)) == 12
    assert "slice" not in a


def test_one_that_fails_within_a_turn_leaves_the_others_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def sliced(workers: list[tuple[Any, int]], slice: float, limit: float) -> list[float | WorkerFailed]:
        return [failed("timeout") if one.case.variant == "b" else 1.0 for one, _ in workers]

    monkeypatch.setattr("harness.slices.visits", sliced)
    engine = long(True, True, True)
    a, b, c = launch.time_launch(engine.start, make_cases("a", "b", "c"), 0, replace(PACE, slice=0.01))
    assert (b["outcome"], b["blocks"]) == ("timeout", [])
    assert engine.workers[1].closed
    assert len(a["blocks"]) == len(c["blocks"]) == 6


def test_one_that_fails_in_its_second_such_visit_keeps_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([1.0, failed("timeout")])
    monkeypatch.setattr(
        "harness.slices.visits",
        lambda workers, slice, limit: [next(found) if one.case.variant == "b" else 1.0 for one, _ in workers],
    )
    _, b = launch.time_launch(long(True, True).start, make_cases("a", "b"), 0, replace(PACE, slice=0.01))
    assert (b["outcome"], b["blocks"]) == ("timeout", [[1.0]])


def test_a_launch_that_is_sure_ends_early() -> None:
    pace = replace(PACE, rounds=40, sure=0.005)
    even = FakeEngine()
    launch.time_launch(even.start, make_cases("a", "b"), 0, pace)
    assert len(visits(even)) == 4 * launch.TELLING
    uneven = FakeEngine({"b": {"block": times([0.1, 0.1, 0.2, 0.2] * 20)}})
    launch.time_launch(uneven.start, make_cases("a", "b"), 0, pace)
    assert len(visits(uneven)) == 4 * 40
