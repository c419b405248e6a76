"""Verdicts on runs whose figures are known."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

import pytest

from harness import targets
from harness.errors import BadInput
from harness.judge import judge, strict_failures
from harness.judgement import Judgement
from harness.record import OUT_OF_MEMORY, Json, unsupported
from harness.verdict import CONFIRMED, EXCEEDED, INCONCLUSIVE, NOT_MEASURED, REVERSED, SHORT
from tests import handmade as hand
from tests.handmade import LEDGER, claim, one, sped, verdicts


@pytest.mark.parametrize(
    ("speed", "expected", "said"),
    [
        (1.7, CONFIRMED, "lies within the claimed 1.5x to 2x"),
        (3.0, EXCEEDED, "is better than the claimed"),
        (1.2, SHORT, "falls short of the claimed"),
        (0.5, REVERSED, "lies on the other side of no change from the claimed"),
        (2.0, INCONCLUSIVE, "crosses a bound of the claimed"),
    ],
)
def test_verdicts_on_a_speedup(speed: float, expected: str, said: str) -> None:
    found = one(sped(hand.around(speed)), claim())
    assert found.verdict == expected
    assert said in found.reason
    assert found.found is not None
    assert found.found.value.point == pytest.approx(speed)
    assert found.found.value.n == 3


def test_an_open_verdict_says_how_much_longer_it_takes() -> None:
    found = one(sped(hand.around(1.6, spread=0.05)), claim())
    assert found.verdict == INCONCLUSIVE
    assert "more launches would tell" in found.reason
    needed = int(found.reason.split("about ")[1].split()[0])
    assert 2 <= needed <= 20


def test_one_launch_is_never_enough() -> None:
    found = one(sped([1.7]), claim())
    assert found.verdict == INCONCLUSIVE
    assert "one launch gives no interval" in found.reason
    row = found.as_json()
    assert (row["value"], row["low"], row["high"], row["n"]) == (pytest.approx(1.7), 0.0, None, 1)


def test_a_point_on_the_bound_is_too_close_for_any_number() -> None:
    found = one(sped([1.4, 1.5, 1.5**2 / 1.4]), claim())
    assert "too close to tell" in found.reason


def test_each_workload_and_each_variant_has_its_verdict() -> None:
    deep = hand.group("fp32", "bf16", "fp16", layers=4)
    shallow = hand.group("fp32", "bf16", "fp16", layers=2)
    times = [{"fp32": 1.7, "bf16": 1.0, "fp16": 1.7}] * 3
    run = hand.run(deep, shallow, launches=[*hand.timed(deep, times), *hand.timed(shallow, times)])
    found = {each.workload: each.verdict for each in verdicts(run, claim())}
    assert found == {
        "gpt2-train layers=4 [bf16]": CONFIRMED,
        "gpt2-train layers=4 [fp16]": SHORT,
        "gpt2-train layers=2 [bf16]": CONFIRMED,
        "gpt2-train layers=2 [fp16]": SHORT,
    }
    only = verdicts(run, claim(variants=["bf16"]))
    assert len(only) == 2


def test_the_summary_counts_and_spans() -> None:
    groups = [hand.group("fp32", "bf16", layers=n) for n in (1, 2, 3)]
    launches = [
        entry
        for cases, speed in zip(groups, (1.1, 1.7, 2.3), strict=True)
        for entry in hand.timed(cases, [{"fp32": speed, "bf16": 1.0}] * 3)
    ]
    run = hand.run(*groups, launches=launches)
    assert judge(run, [claim()], []).summaries() == {"test.claim": "2 of 3, 1.1x to 2.3x"}
    assert judge(hand.run(), [claim()], []).summaries() == {"test.claim": NOT_MEASURED}


def test_better_than_a_claimed_cost_is_no_claim_held() -> None:
    """Of "a third slower" one half slower is short, and a tenth slower is exceeded, but not what was said."""
    slow = claim(range=[0.6, 0.7])
    found = one(sped([0.9] * 3), slow)
    assert (found.verdict, found.held) == (EXCEEDED, False)
    assert one(sped([3.0] * 3), claim()).held
    assert not one(sped([1.2] * 3), claim(range=[0.97, 1.03])).held


def test_a_benchmark_that_is_about_something_else_is_left_out() -> None:
    """The stability of training is measured on workloads of its own, which nobody times."""
    timed = hand.group("fp32", "bf16")
    graded = hand.group("fp32", "bf16", benchmark="stability", technique="mixed-precision", task="converge")
    launches = [
        *hand.timed(timed, [{"fp32": 1.7, "bf16": 1.0}] * 3),
        *hand.graded(graded, {"fp32": [1.0] * 3, "bf16": [1.01] * 3}),
    ]
    run = hand.run(timed, graded, launches=launches)
    assert [each.workload for each in verdicts(run, claim())] == ["gpt2-train [bf16]"]
    stable = one(run, "amp.stability.001")
    assert (stable.workload, stable.verdict) == ("gpt2-train task=converge [bf16]", CONFIRMED)


def test_another_benchmark_of_the_technique_is_judged_too() -> None:
    cases = hand.group("fp32", "bf16", benchmark="my-model", technique="mixed-precision")
    run = hand.run(cases, launches=hand.timed(cases, [{"fp32": 1.7, "bf16": 1.0}] * 3))
    assert one(run, claim()).verdict == CONFIRMED
    assert one(run, claim(technique="my-model")).verdict == NOT_MEASURED


def test_a_claim_for_another_device_says_what_was_measured_here() -> None:
    found = one(sped([0.4] * 3), "amp.train-speed.001")
    assert (found.verdict, found.workload, found.found) == (NOT_MEASURED, "train on cuda", None)
    assert found.reason == "claimed for cuda, and this run is on cpu, where speedup is 0.4x in 1 of 1 cases"
    assert one(sped([1.7] * 3, device="cuda"), "amp.train-speed.001").verdict == CONFIRMED


def test_a_claim_for_another_device_with_nothing_measured_here() -> None:
    cases = hand.group("fp32", "bf16")
    for wanted in ("amp.train-speed.001", claim(on="cuda", variants=["tf32"])):
        assert one(hand.run(cases), wanted).reason == "claimed for cuda, and this run is on cpu"


@pytest.mark.parametrize(
    ("measurable", "said"),
    [
        (None, "no case of mixed-precision in this run"),
        (["mixed-precision"], "not in this run; run mixed-precision measures it"),
        (["compile"], "this suite has no benchmark of mixed-precision yet"),
    ],
)
def test_a_technique_that_is_not_in_the_run(measurable: list[str] | None, said: str) -> None:
    assert one(hand.run(), claim(), measurable=measurable).reason == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"phase": "infer"}, "no infer case of mixed-precision in this run"),
        ({"models": ["t5"]}, "claimed for t5, which is not among the models of this run"),
        ({"variants": ["tf32"]}, "no case of tf32 in this run"),
        ({"where": {"adapt": "lora"}}, "no case with adapt=lora in this run"),
        ({"metric": "ratio"}, "the suite has no figure for it yet"),
        ({"metric": "memory_saving"}, "no memory launch of it in this run"),
        ({"metric": "equal"}, "its results were not compared with the baseline's"),
        ({"metric": "quality_loss"}, "no quality launch of it in this run"),
        ({"metric": "compression"}, "the bytes of its parameters were not counted"),
    ],
)
def test_what_is_not_in_the_run_is_said(changes: Mapping[str, Any], said: str) -> None:
    found = one(sped([1.7] * 3), claim(**changes))
    assert (found.verdict, found.reason, found.found) == (NOT_MEASURED, said, None)


@pytest.mark.parametrize("outcome", [OUT_OF_MEMORY, unsupported("needs a GPU")])
def test_a_failed_case_says_its_outcome(outcome: str) -> None:
    cases = hand.group("fp32", "bf16")
    launches = hand.timed(cases, [{"fp32": 1.0}] * 3)
    launches[0]["records"].append(hand.record(cases[1], outcome, "asked for 9 GB"))
    found = one(hand.run(cases, launches=launches), claim())
    assert (found.verdict, found.reason) == (NOT_MEASURED, f"{outcome}: asked for 9 GB")


def test_a_failed_baseline_is_named() -> None:
    cases = hand.group("fp32", "bf16")
    launches = hand.timed(cases, [{"bf16": 1.0}] * 3)
    launches[0]["records"].append(hand.record(cases[0], "timeout"))
    assert one(hand.run(cases, launches=launches), claim()).reason == "its baseline fp32: timeout"


def wrong(seconds: float = 0.1) -> hand.HandRun:
    cases = hand.group("fp32", "bf16")
    launches = hand.timed(cases, [{"fp32": 0.17, "bf16": seconds}] * 3)
    bad = {"metric": "relative L2", "value": 0.5, "tolerance": 1e-4, "ok": False, "message": ""}
    launches[1]["records"][1]["equality"] = bad
    memory = hand.weighed(cases, {"fp32": {"peak": 2}, "bf16": {"peak": 1}})
    return hand.run(cases, launches=[*launches, *memory])


@pytest.mark.parametrize(("metric", "bounds"), [("speedup", [1.5, 2.0]), ("memory_saving", [0.4, 0.6])])
def test_a_wrong_answer_confirms_nothing(metric: str, bounds: list[float]) -> None:
    found = one(wrong(), claim(metric=metric, range=bounds))
    assert (found.verdict, found.found) == (NOT_MEASURED, None)
    assert found.reason == "wrong result: relative L2 0.5 against a tolerance of 0.0001"


def test_a_claim_of_equality_is_judged_by_the_difference() -> None:
    found = one(wrong(), claim(metric="equal", range=[0.0, 1e-5]))
    assert (found.verdict, found.reason) == (SHORT, "0.5 falls short of the claimed at most 1e-05")


def test_an_unknown_figure_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"no figure of claim test.claim 'grwth'; did you mean growth"):
        one(hand.run(), claim(metric="ratio", figure="grwth"))


def whole() -> Judgement:
    run = sped(hand.around(1.7), batch=4)
    return judge(run, LEDGER.values(), targets.load(), measurable=["mixed-precision", "compile"])


def test_every_claim_has_a_verdict_and_a_reason() -> None:
    judgement = whole()
    assert {each.claim.id for each in judgement.claims} == set(LEDGER)
    assert all(each.reason for each in judgement.claims)
    assert all(each.reason for each in judgement.targets)


def test_json_has_the_agreed_keys_first_and_no_infinity() -> None:
    data = json.loads(json.dumps(whole().as_json(), allow_nan=False))
    assert list(data) == ["claims", "targets"]
    for row in data["claims"]:
        assert list(row)[:8] == ["id", "workload", "verdict", "value", "low", "high", "n", "reason"]
    for row in data["targets"]:
        assert list(row)[:8] == ["id", "case", "verdict", "value", "low", "high", "limit", "reason"]


def test_strict_fails_for_what_is_contradicted_missed_or_wrong() -> None:
    short = judge(sped([1.2] * 3), [claim()], [])
    assert strict_failures(short)[0].startswith("test.claim on gpt2-train [bf16]: short: 1.2x")
    back = judge(sped([0.5] * 3), [claim()], [])
    assert strict_failures(back)[0].startswith("test.claim on gpt2-train [bf16]: reversed")
    assert strict_failures(judge(wrong(), [claim()], [])) == [
        "mixed-precision/gpt2-train@cpu#bf16: wrong result: relative L2 0.5 against a tolerance of 0.0001"
    ]
    missed = judge(sped([9.0] * 3, batch=1), [], targets.load())
    failures = strict_failures(missed)
    assert len(failures) == 2
    assert failures[0].startswith(
        "hourly-throughput on mixed-precision/gpt2-train/batch=1@cpu#fp32: missed: 0.111"
    )


def test_strict_passes_what_held_and_what_is_open() -> None:
    for ratios in ([1.7] * 3, [3.0] * 3, [1.7]):
        assert strict_failures(judge(sped(ratios), [claim()], [])) == []


def calls(groups: int) -> int:
    """How many function calls judging so many groups takes."""
    plan = [hand.group("fp32", "bf16", "fp16", layers=n, batch=4) for n in range(groups)]
    times = {"fp32": 1.7, "bf16": 1.0, "fp16": 0.9}
    launches: list[Json] = [entry for cases in plan for entry in hand.timed(cases, [times] * 5)]
    run = hand.run(*plan, launches=launches)
    count = 0

    def counting(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(counting)
    try:
        judge(run, LEDGER.values(), targets.load())
    finally:
        sys.setprofile(None)
    return count


def test_judging_is_linear_in_the_records() -> None:
    """100,000 records take a few seconds; counted in calls, because a clock would measure the machine."""
    assert calls(400) < 4.2 * calls(100)


def test_rows_come_in_the_order_of_the_plan() -> None:
    assert [row.case.variant for row in whole().rows] == ["fp32", "bf16"]
