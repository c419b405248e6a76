"""Targets: read, and judged by the interval's bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness import targets
from harness.errors import BadInput
from harness.record import OUT_OF_MEMORY, Case, Json
from harness.stats import Interval
from harness.summary import summarise
from harness.targets import Target, TargetVerdict
from tests import handmade as hand

Write = Callable[[str, str], Path]

GOOD = '[[target]]\nid = "mine"\nsays = "fast"\nmetric = "batch_seconds"\nsource = "us"\nbelow = 0.1\n'

CASES = hand.group("fp32", phase="infer", batch=8)


def judged(launches: Sequence[Json], cases: list[Case] = CASES) -> dict[str, TargetVerdict]:
    rows = summarise(hand.run(cases, launches=launches))
    return {one.target.id: one for one in targets.judge(rows, targets.load())}


def steps(seconds: Sequence[float]) -> list[Json]:
    return hand.timed(CASES, [{"fp32": value} for value in seconds], samples=8)


def test_the_four_targets() -> None:
    limits = {target.id: target.limit for target in targets.load()}
    assert limits == {
        "batch-latency": 0.1,
        "device-memory": 16e9,
        "hourly-throughput": 2.7778,
        "response-time": 2.0,
    }


def test_a_batch_well_under_the_limit_meets_it() -> None:
    one = judged(steps(hand.around(0.050)))["batch-latency"]
    assert one.verdict == "confirmed"
    assert one.found is not None
    assert one.found.point == pytest.approx(0.050)
    assert one.reason.startswith("50 ms (")
    assert "under 100 ms" in one.reason


def test_a_point_under_the_limit_does_not_meet_it_when_the_interval_reaches_over() -> None:
    one = judged(steps(hand.around(0.098, spread=0.05)))["batch-latency"]
    assert one.found is not None
    assert one.found.point < 0.1 < one.found.high
    assert one.verdict == "inconclusive"
    assert "more launches would tell" in one.reason


def test_one_launch_meets_nothing() -> None:
    one = judged(steps([0.001]))["batch-latency"]
    assert one.verdict == "inconclusive"
    assert "one launch gives no interval" in one.reason


def test_a_slow_batch_misses() -> None:
    assert judged(steps(hand.around(0.5)))["batch-latency"].verdict == "short"


def test_throughput_is_a_lower_bound() -> None:
    assert judged(steps(hand.around(0.1)))["hourly-throughput"].verdict == "confirmed"
    slow = judged(steps(hand.around(8.0)))["hourly-throughput"]
    assert slow.verdict == "short"
    assert slow.found is not None
    assert slow.found.point == pytest.approx(1.0)
    close = judged(steps(hand.around(2.9, spread=0.03)))["hourly-throughput"]
    assert close.verdict == "inconclusive"
    assert "more launches would tell" in close.reason


def test_p99_is_told_only_from_299_steps() -> None:
    few = judged(steps(hand.around(0.1)))["response-time"]
    assert few.verdict == "inconclusive"
    assert "takes 299 steps, 12 were timed" in few.reason
    many = steps(hand.around(0.1))
    many[0]["records"][0]["blocks"] = [[0.1] * 80] * 4
    assert judged(many)["response-time"].verdict == "confirmed"


def test_a_p99_above_the_limit_misses_even_from_few_steps() -> None:
    assert judged(steps(hand.around(3.0)))["response-time"].verdict == "short"


def test_memory_on_the_host_is_said_to_be_the_hosts() -> None:
    one = judged(hand.weighed(CASES, {"fp32": {"peak": 2_000_000_000}}))["device-memory"]
    assert one.verdict == "confirmed"
    assert one.reason == "2 GB: all of it under 16 GB, of tensors on the host"
    over = judged(hand.weighed(CASES, {"fp32": {"peak": 16_000_000_000}}))["device-memory"]
    assert over.verdict == "short"


def test_training_has_no_response_time() -> None:
    cases = hand.group("fp32", phase="train", batch=8)
    launches = hand.timed(cases, [{"fp32": 0.1}] * 3)
    assert set(judged(launches, cases)) == {"device-memory", "hourly-throughput"}


def test_what_holds_no_samples_has_no_throughput() -> None:
    cases = hand.group("fp32", phase="kernel")
    assert set(judged(hand.timed(cases, [{"fp32": 0.1}] * 3), cases)) == {"device-memory"}


def test_a_failed_case_is_not_measured_and_says_why() -> None:
    launches = [hand.launch(CASES, "time", 0, [hand.record(CASES[0], OUT_OF_MEMORY, "asked for 9 GB")])]
    for one in judged(launches).values():
        assert one.verdict == "not-measured"
        assert one.reason == "out-of-memory: asked for 9 GB"
        assert one.found is None


def test_a_wrong_result_meets_nothing() -> None:
    bad = {"metric": "relative L2", "value": 0.5, "tolerance": 1e-4, "ok": False, "message": ""}
    one = judged(hand.timed(CASES, [{"fp32": 0.01}] * 3, equality=bad))["batch-latency"]
    assert (one.verdict, one.reason[:12]) == ("not-measured", "wrong result")


@pytest.mark.parametrize(
    ("found", "below", "at_least"),
    [
        (Interval(5, 4, 6, 3), True, False),
        (Interval(15, 14, 16, 3), False, True),
        (Interval(10, 9, 11, 3), None, None),
        (Interval(5, 4, math.inf, 1), None, None),
        (Interval(5, 4, math.nan, 1), None, None),
    ],
)
def test_the_bound_decides(found: Interval, below: bool | None, at_least: bool | None) -> None:
    def made(**bound: float) -> Target:
        return Target(id="t", says="", metric="peak_bytes", source="", **bound)

    assert made(below=10.0).met(found) is below
    assert made(at_least=10.0).met(found) is at_least


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"batch_seconds"',
            '"batch_second"',
            "target mine: no metric 'batch_second'; did you mean batch_seconds",
        ),
        ("below = 0.1", "", "give it one number as bound"),
        ("below = 0.1", "below = 0.1\nat_least = 3", "give it one number as bound"),
        ("below = 0.1", 'below = "100 ms"', "give it one number as bound"),
        ("below = 0.1", "below = inf", "a bound is a finite number"),
        ("below", "above", "no key 'above'"),
        ("below", 'phases = ["inference"]\nbelow', "no phase 'inference'; did you mean infer"),
        ('says = "fast"\n', "", "has no says"),
        ("[[target]]", GOOD + "[[target]]", "the id is taken"),
    ],
)
def test_bad_input_is_said_in_one_line(write: Write, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = write("mine.toml", GOOD.replace(old, new, 1))
    with pytest.raises(BadInput) as error:
        targets.load(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
