"""Verdicts of live comparisons and of stored runs, from launches made by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from harness import compare
from harness.changes import Change, View
from harness.compare_stored import stored
from harness.record import Json
from tests import handmade as hand

LANES = compare.lanes(hand.group("fp32", batch=4)[0])
EQUAL = {"metric": "relative L2", "value": 0.0, "tolerance": 1e-4, "ok": True, "message": ""}


def launches(ratios: Sequence[float], *, confirms: bool = False, **rest: object) -> list[Json]:
    made = hand.timed(LANES, [{"A": 1.0, "B": ratio} for ratio in ratios], **{"equality": EQUAL, **rest})
    return [{**one, "confirms": True} if confirms else one for one in made]


def verdicts(*parts: list[Json]) -> dict[str, Change]:
    run = hand.run(LANES, launches=[one for part in parts for one in part])
    (case,) = compare.live(View(run.info, run.launches), "old", "new").cases
    return dict(case.changes)


SLOW = hand.around(1.1, n=5)


def test_slower_twice_is_slower() -> None:
    found = verdicts(launches(SLOW), launches(SLOW, confirms=True))
    assert found["time"].verdict == "slower"
    assert found["time"].ratio is not None
    assert found["time"].ratio.point == pytest.approx(1.1, rel=1e-6)
    assert found["results"].verdict == "identical"


def test_faster_twice_is_faster() -> None:
    fast = [1 / ratio for ratio in SLOW]
    assert verdicts(launches(fast), launches(fast, confirms=True))["time"].verdict == "faster"


def test_an_alarm_is_no_result_before_it_is_measured_again() -> None:
    found = verdicts(launches(SLOW))["time"]
    assert (found.verdict, "not yet measured again" in found.reason) == ("unclear", True)
    run = hand.run(LANES, launches=launches(SLOW))
    assert compare.suspects(View(run.info, run.launches)) == {LANES[0].group: {"time": True}}


def test_three_launches_that_show_it_again_are_enough() -> None:
    again = launches(hand.around(1.1, n=3), confirms=True)
    assert verdicts(launches(SLOW), again)["time"].verdict == "slower"
    run = hand.run(LANES, launches=[*launches(SLOW), *again])
    view, name = View(run.info, run.launches), LANES[0].group
    assert compare.shown_again(view, name, {"time": True})
    assert not compare.shown_again(view, name, {"time": False})


def test_a_noisy_launch_of_the_second_look_is_left_out_where_others_confirm() -> None:
    first, *rest = launches([0.7, *hand.around(1.1, n=3)], confirms=True)
    assert verdicts(launches(SLOW), [first, *rest])["time"].verdict == "unclear"
    noisy = {**first, "noisy": "its rounds leave an error of 20%"}
    found = verdicts(launches(SLOW), [noisy, *rest])["time"]
    assert (found.verdict, found.reason) == ("slower", "in 5 launches, and in 3 more")
    assert verdicts(launches(SLOW), [noisy])["time"].verdict == "unclear"


def test_an_alarm_that_does_not_come_again_is_dropped() -> None:
    found = verdicts(launches(SLOW), launches(hand.around(1.0, n=5), confirms=True))["time"]
    assert found.verdict == "unclear"
    assert "measured again it did not" in found.reason


def test_no_change_is_the_same() -> None:
    assert verdicts(launches(hand.around(1.0, 0.005, n=5)))["time"].verdict == "same"


def test_too_much_noise_is_unclear_and_says_what_would_tell() -> None:
    found = verdicts(launches(hand.around(1.0, 0.2, n=5)))["time"]
    assert found.verdict == "unclear"
    assert "more launches" in found.reason


@pytest.mark.parametrize("level", [1.009, 1.011])
def test_what_would_tell_is_so_many_launches_that_stay_where_they_are(level: float) -> None:
    """Told from no change, or from one of 2 %: whichever is further."""
    ratios = hand.around(level, 0.04, n=8)
    found = verdicts(launches(ratios))["time"]
    more = int(found.reason.split("about ")[1].split(" more launches would tell")[0])
    times = math.ceil(1 + more / len(ratios))
    told = verdicts(launches(ratios * times))["time"]
    assert told.verdict == "same" or "not yet measured again" in told.reason
    assert times > 2
    assert "would tell" in verdicts(launches(ratios * (times - 2)))["time"].reason


@pytest.mark.parametrize(("spread", "precise"), [(0.02, True), (0.04, False)])
def test_what_is_precise_enough_to_have_ended_says_how_to_go_on(spread: float, precise: bool) -> None:
    """Of time: what compiles is not measured until it is precise."""
    ratios = hand.around(1.009, spread, n=8)
    found = verdicts(launches(ratios))["time"]
    assert "would tell" in found.reason
    assert found.reason.endswith(", with --precision 1%") == precise
    compiled = compare.judged({"a": compare.Effects([math.log(one) for one in ratios])}, "compile")["a"]
    assert compiled.reason.endswith("would tell")


def test_a_difference_of_results_does_not_hide_the_speed() -> None:
    bad = {**EQUAL, "value": 0.5, "ok": False}
    found = verdicts(launches(SLOW, equality=bad), launches(SLOW, confirms=True, equality=bad))
    assert found["results"].verdict == "different"
    assert found["time"].verdict == "slower"


def test_more_bytes_are_more() -> None:
    memory = hand.weighed(LANES, {"A": {"peak": 100, "resident": 0}, "B": {"peak": 110, "resident": 0}})
    found = verdicts(memory)["memory"]
    assert (found.verdict, found.reason) == ("more", "100 B to 110 B")


def test_what_no_launch_reached_does_not_fail() -> None:
    found = verdicts([])["results"]
    assert (found.verdict, "neither side" in found.reason) == ("unclear", True)


def test_a_case_that_fails_now_says_so() -> None:
    records = [
        hand.record(LANES[0], blocks=[[1.0]] * 4),
        hand.record(LANES[1], "crashed: SIGKILL", "it broke"),
    ]
    found = verdicts([hand.launch(LANES, "time", 0, records)])["results"]
    assert (found.verdict, found.reason) == ("fails", "crashed: SIGKILL: it broke")


def test_compiling_longer_is_told_apart_from_steps() -> None:
    def compiling(confirms: bool) -> list[Json]:
        made = launches(hand.around(1.0, 0.005, n=5), confirms=confirms)
        for number, one in enumerate(made):
            for record in one["records"]:
                record["first_step"] = 11.0 + 0.01 * number if record["variant"] == "A" else 13.0
        return made

    found = verdicts(compiling(False), compiling(True))
    assert (found["time"].verdict, found["compile"].verdict) == ("same", "slower")


def test_of_many_unchanged_cases_none_is_called_changed() -> None:
    """2000 A/A comparisons with 1 % of noise between launches, measured again as the tool does."""
    dice = random.Random(1)
    found = {}
    for case in range(2000):
        first, again = ([dice.gauss(0, 0.01) for _ in range(5)] for _ in range(2))
        found[str(case)] = compare.Effects(first, again)
    changed = [
        name for name, one in compare.judged(found, "time").items() if one.verdict in ("slower", "faster")
    ]
    assert len(changed) <= 4


def test_five_per_cent_is_found_among_unchanged_cases() -> None:
    dice = random.Random(2)
    found = {
        str(case): compare.Effects(
            *([dice.gauss(math.log(1.05) if case < 20 else 0, 0.006) for _ in range(5)] for _ in range(2))
        )
        for case in range(40)
    }
    slow = {name for name, one in compare.judged(found, "time").items() if one.verdict == "slower"}
    assert len(slow & {str(case) for case in range(20)}) >= 19
    assert not slow - {str(case) for case in range(20)}


def two_runs(ratio: float) -> dict[str, Change]:
    cases = hand.group("fp32", "bf16", batch=4)
    one, other = (
        hand.run(
            cases, launches=hand.timed(cases, [{"fp32": 1.0, "bf16": x} for x in hand.around(level, n=5)])
        )
        for level in (1.0, ratio)
    )
    views = (View(run.info, run.launches) for run in (one, other))
    found = {case.name: case.changes for case in stored(*views, "one", "other").cases}
    return dict(found[cases[1].id])


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.2, "possibly slower"), (0.8, "possibly faster"), (1.06, "unclear"), (1.0, "same")],
)
def test_two_stored_runs_are_never_sure(ratio: float, verdict: str) -> None:
    assert two_runs(ratio)["time"].verdict == verdict
