"""Savings, quality, and claims that ask for two things at once."""

from __future__ import annotations

import json

import pytest

from harness.judgement import ClaimVerdict
from harness.verdict import CONFIRMED, EXCEEDED, INCONCLUSIVE, NOT_MEASURED, REVERSED, SHORT
from tests import handmade as hand
from tests.handmade import one


def test_a_saving_is_exact_and_no_launch_would_narrow_it() -> None:
    cases = hand.group("fp32", "bf16", device="cuda")

    def of(peak: int) -> ClaimVerdict:
        launches = hand.weighed(cases, {"fp32": {"peak": 1000}, "bf16": {"peak": peak}})
        return one(hand.run(cases, launches=launches), "amp.memory.001")

    assert of(500).verdict == CONFIRMED
    assert of(500).reason == "50 % lies within our reading of the claim, 45 % to 55 %"
    assert of(300).verdict == EXCEEDED
    assert of(900).verdict == SHORT
    assert of(1200).verdict == REVERSED


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        ([1.001, 1.002, 1.0], CONFIRMED, "at most 2 %"),
        ([1.10, 1.11, 1.10], SHORT, "falls short of"),
        ([1.0, None, 1.0], SHORT, "a run met NaN or infinity"),
        ([1.0, 1.04, 1.0], INCONCLUSIVE, "more launches would tell"),
    ],
)
def test_stability_is_the_loss_of_quality_over_seeds(
    values: list[float | None], expected: str, said: str
) -> None:
    cases = hand.group("fp32", "bf16", model="digits")
    launches = hand.graded(cases, {"fp32": [1.0, 1.0, 1.0], "bf16": values})
    found = one(hand.run(cases, launches=launches), "amp.stability.001")
    assert found.verdict == expected
    assert said in found.reason
    json.dumps(found.as_json(), allow_nan=False)


@pytest.mark.parametrize(("elements", "expected"), [(1000, CONFIRMED), (2400, SHORT), (0, NOT_MEASURED)])
def test_a_coarser_map_is_judged_by_its_elements_and_not_by_the_peak(elements: int, expected: str) -> None:
    given = {"model": "trajectory", "technique": "batch", "spatial": 14, "images": 10}
    cases = hand.group("as-given", "lower", benchmark="resolution", **given)
    told = {"as-given": {"peak": 1000, "elements": 4000}, "lower": {"peak": 900, "elements": elements}}
    found = one(hand.run(cases, launches=hand.weighed(cases, told)), "resolution.memory.004")
    assert found.verdict == expected
    assert elements != 1000 or "100 an image, 400 before" in found.reason


def slower(saved: int | None) -> ClaimVerdict:
    cases = hand.group("none", "full", benchmark="checkpointing")
    launches = hand.timed(cases, [{"none": 0.8, "full": 1.0}] * 3)
    if saved is not None:
        launches += hand.weighed(cases, {"none": {"peak": 1000}, "full": {"peak": 1000 - saved}})
    return one(hand.run(cases, launches=launches), "checkpointing.time.002")


def test_a_further_condition_has_to_hold_as_well() -> None:
    assert slower(300).verdict == CONFIRMED
    assert "memory saving 30 % lies within the claimed at least 0.1 %" in slower(300).reason
    assert slower(-50).verdict == REVERSED
    assert slower(0).verdict == SHORT
    assert slower(None).verdict == NOT_MEASURED
    assert "its memory saving was not measured: no memory launch" in slower(None).reason


def test_a_geometric_mean_counts_each_workload_once() -> None:
    groups, launches = [], []
    for model, speed in (("gpt2", 1.28), ("bert", 1.4), ("vit", 1.53125)):
        cases = hand.group("eager", "default", benchmark="compile", model=model, device="cuda")
        groups.append(cases)
        launches += hand.timed(cases, [{"eager": speed, "default": 1.0}] * 3)
    found = one(hand.run(*groups, launches=launches), "compile.geomean.pytorch2")
    assert found.workload == "3 workloads, train [default]"
    assert found.found is not None
    assert found.found.value.point == pytest.approx(1.4)
    assert found.found.value.n == 3


def kernel(step: float, *, work: int | None = 10**15, **ceilings: float) -> hand.HandRun:
    """Attention alone at 8192 tokens: the baseline's work, and the seconds of the others' step."""
    names = ("eager", "flash", "flash-attn-3")
    cases = hand.group(
        *names,
        benchmark="attention",
        model="attention",
        phase="kernel",
        device="cuda",
        **{"length": 8192, "head": 128, "backward": False, "causal": False, "dtype": "bfloat16"},
    )
    launches = hand.timed(cases, [dict.fromkeys(names, step) | {"eager": 10.0}] * 3)
    base = hand.record(cases[0], flops=work) if work else hand.record(cases[0])
    launches.append(hand.launch(cases, "memory", 0, [base, *map(hand.record, cases[1:])]))
    return hand.run(cases, launches=launches, device="cuda", ceilings=ceilings)


def test_flops_in_a_second_are_the_work_of_the_baseline_over_the_own_time() -> None:
    found = one(kernel(step=1.6), "flash.speed.fa3")
    assert found.verdict == CONFIRMED
    assert found.reason.startswith("625 TFLOP/s lies within")
    assert one(kernel(step=5.0), "flash.speed.fa3").verdict == SHORT
    assert "were not counted" in one(kernel(step=1.6, work=None), "flash.speed.fa3").reason


def test_the_share_of_the_limit_is_of_the_type_that_the_workload_computes_in() -> None:
    run = kernel(step=2.0, float32=1e14, bfloat16=1e15)
    found = one(run, "flash.speed.fa2")
    assert found.verdict == CONFIRMED
    assert found.reason.startswith("50 % lies within")
    assert "limits or the work" in one(kernel(step=2.0), "flash.speed.fa2").reason
