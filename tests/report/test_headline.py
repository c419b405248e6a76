"""What a run's first lines say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from harness import claims, folders, store, targets
from harness.benchmark import PROFILES
from harness.judge import judge
from harness.record import Case
from harness.report import headline
from harness.verdict import CONFIRMED, INCONCLUSIVE, SHORT
from tests import handmade as hand

ROOT = Path(__file__).parents[2]
SAME = {"metric": "relative L2", "value": 0.0, "tolerance": 1e-4, "ok": True, "message": ""}


def saved(slower: float | None) -> hand.HandRun:
    """`lean` saves half the memory where it was timed and, at another batch, more where it was not."""
    first, second = hand.group("fp32", "lean", batch=1), hand.group("fp32", "lean", batch=2)
    launches = [
        *hand.weighed(first, {"fp32": {"peak": 100}, "lean": {"peak": 50}}),
        *hand.weighed(second, {"fp32": {"peak": 100}, "lean": {"peak": 10}}),
    ]
    if slower:
        launches += hand.timed(first, [{"fp32": 1.0, "lean": r} for r in hand.around(slower)], equality=SAME)
    return hand.run(first, second, launches=launches)


def test_a_saving_is_shown_where_its_cost_in_speed_is_known() -> None:
    (gain,) = headline.gains(judge(saved(slower=1.25), [], []))
    assert (gain.gain, gain.where) == ("50 % less memory", "gpt2-train batch=1")
    assert gain.cost.startswith("speed 0.8x")


def test_what_costs_more_speed_than_it_saves_memory_is_nothing_to_turn_on() -> None:
    assert headline.gains(judge(saved(slower=2.5), [], [])) == []


def test_without_any_time_the_largest_saving_says_that_it_has_none() -> None:
    (gain,) = headline.gains(judge(saved(slower=None), [], []))
    assert gain.gain == "90 % less memory"
    assert "its time was not measured there" in gain.cost


def test_targets_tell_what_misses_them_apart_from_what_cannot_be_told() -> None:
    assert headline._met(Counter({CONFIRMED: 52, SHORT: 3, INCONCLUSIVE: 17})) == (
        "met by 52 of 72 cases, missed by 3, 17 cannot tell"
    )
    assert headline._met(Counter({CONFIRMED: 5})) == "met by 5 of 5 cases"


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


def test_a_claim_is_written_with_the_same_unit_whether_or_not_it_was_measured() -> None:
    runs = [store.read(folder) for folder in folders.foremost(ROOT / "results", PROFILES)]
    judged = [one for run in runs for one in judge(run, claims.load(), []).claims]
    told = [one for one in judged if one.found and one.claim.bounds]
    assert len(told) > 50
    differ = {
        one.claim.stem: (headline.claimed(one.claim), shown)
        for one in told
        if one.found and (shown := headline.claimed(one.claim, one.found.show)) != headline.claimed(one.claim)
    }
    assert differ == {}


def test_a_run_without_anything_measured_says_what_became_of_it() -> None:
    cases = hand.group("fp32", "bf16")
    records = [hand.record(one, "crashed: SIGSEGV") for one in cases]
    failed = judge(hand.run(cases, launches=[hand.launch(cases, "time", 0, records)]), [], targets.load())
    assert headline.nothing(failed) == "Nothing could be measured here (1 crashed)."
    assert headline.claims(failed) == "Claims: none could be judged."
    assert headline.held(failed) == ""
    assert headline.nothing(judge(hand.run(), [], [])) == "Nothing is in this run."


def replace_all(cases: list[Case], **given: str) -> list[Case]:
    return [replace(case, **given) for case in cases]
