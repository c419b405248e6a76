"""What a run's first lines say."""

from __future__ import annotations

from dataclasses import replace

from harness.judge import judge
from harness.record import Case
from harness.report import headline
from tests import handmade as hand

SAME = {"metric": "relative L2", "value": 0.0, "tolerance": 1e-4, "ok": True, "message": ""}


def saved(timed: bool) -> hand.HandRun:
    """`lean` saves half the memory where it was timed and, at another batch, more where it was not."""
    first, second = hand.group("fp32", "lean", batch=1), hand.group("fp32", "lean", batch=2)
    launches = [
        *hand.weighed(first, {"fp32": {"peak": 100}, "lean": {"peak": 50}}),
        *hand.weighed(second, {"fp32": {"peak": 100}, "lean": {"peak": 10}}),
    ]
    if timed:
        launches += hand.timed(first, [{"fp32": 1.0, "lean": r} for r in hand.around(2.0)], equality=SAME)
    return hand.run(first, second, launches=launches)


def test_a_saving_is_shown_where_its_cost_in_speed_is_known() -> None:
    (gain,) = headline.gains(judge(saved(timed=True), [], []))
    assert (gain.gain, gain.where) == ("50 % less memory", "gpt2-train batch=1")
    assert gain.cost.startswith("speed 0.5x")


def test_without_any_time_the_largest_saving_says_that_it_has_none() -> None:
    (gain,) = headline.gains(judge(saved(timed=False), [], []))
    assert gain.gain == "90 % less memory"
    assert "its time was not measured there" in gain.cost


def test_what_gives_another_result_by_design_says_so_and_comes_after_what_does_not() -> None:
    first, second = (
        replace_all(hand.group("fp32", "less", batch=1), benchmark="model-size", technique=""),
        replace_all(hand.group("fp32", "warm", batch=1), benchmark="result-cache", technique="caching"),
    )
    launches = [
        *hand.timed(first, [{"fp32": 9.0, "less": r} for r in hand.around(1.0)]),
        *hand.timed(second, [{"fp32": 2.0, "warm": r} for r in hand.around(1.0)], equality=SAME),
    ]
    same, other = headline.gains(judge(hand.run(first, second, launches=launches), [], []))
    assert same.what == "result-cache:warm"
    assert "another result" not in same.cost
    assert other.what == "model-size:less"
    assert other.cost.startswith("another result by design")


def replace_all(cases: list[Case], **given: str) -> list[Case]:
    return [replace(case, **given) for case in cases]
