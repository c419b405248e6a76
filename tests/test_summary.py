"""Rows from launches whose arithmetic can be done in the head."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from harness import halves, summary
from harness.errors import BadInput
from harness.record import OUT_OF_MEMORY, TIMEOUT, WRONG_RESULT, Case, Json, crashed, unsupported
from harness.rows import NOT_RUN, CaseSummary
from harness.summary import summarise
from tests import handmade as hand

CASES = hand.group("fp32", "bf16", batch=4)
BASE, VARIANT = CASES
EQUAL = {"metric": "relative L2", "value": 1e-6, "tolerance": 1e-4, "ok": True, "message": ""}


def rows(launches: Sequence[Json], cases: list[Case] = CASES, **info: object) -> dict[str, CaseSummary]:
    return {row.case.variant: row for row in summarise(hand.run(cases, launches=launches, **info))}


def pair(*seconds: tuple[float, float]) -> list[dict[str, float]]:
    return [{"fp32": base, "bf16": variant} for base, variant in seconds]


def test_a_speedup_is_baseline_over_variant_paired_by_launch() -> None:
    """The machine is twice as slow in the second launch; the ratio does not notice."""
    found = rows(hand.timed(CASES, pair((1.0, 0.5), (2.0, 1.0), (1.0, 0.5))))
    timing = found["bf16"].timing
    assert timing is not None
    assert timing.speedup is not None
    assert (timing.speedup.point, timing.speedup.low, timing.speedup.high) == pytest.approx((2, 2, 2))
    assert timing.speedup.n == found["bf16"].n == 3
    assert timing.step.point == pytest.approx(0.5 * 2 ** (1 / 3))
    assert timing.effects == pytest.approx([-math.log(2)] * 3)


def test_a_baseline_has_times_and_no_speedup() -> None:
    base = rows(hand.timed(CASES, pair((1.0, 0.5))))["fp32"]
    assert base.timing is not None
    assert base.speedup is None
    assert base.outcome == "ok"


def test_percentiles_take_the_steps_of_all_launches() -> None:
    launches = hand.timed(CASES, pair(*[(1.0, 0.5)] * 3))
    for number, one in enumerate(launches):
        one["records"][0]["blocks"] = [[1.0] * 25] * 3 + [[1.0] * 23 + [9.0 + number] * 2]
    timing = rows(launches)["fp32"].timing
    assert timing is not None
    assert timing.p50.point == 1.0
    assert timing.p99.point == 10.0  # The 297th of 294 ones and 9, 9, 10, 10, 11, 11.
    assert (timing.p99.n, timing.p99.high) == (300, 11.0)
    assert timing.step.point == pytest.approx(1.0)


def test_throughput_counts_samples_of_the_record_or_else_the_batch() -> None:
    by_batch = rows(hand.timed(CASES, pair((1.0, 0.5))))["bf16"].timing
    stated = rows(hand.timed(CASES, pair((1.0, 0.5)), samples=100))["bf16"].timing
    assert by_batch is not None
    assert stated is not None
    assert by_batch.throughput is not None
    assert stated.throughput is not None
    assert by_batch.throughput.point == pytest.approx(8)
    assert stated.throughput.point == pytest.approx(200)


@pytest.mark.parametrize(("n", "used", "set_aside"), [(4, 3, 1), (3, 3, 0)])
def test_a_noisy_launch_is_set_aside_only_beside_three_others(n: int, used: int, set_aside: int) -> None:
    seconds = pair(*[(1.0, 0.5)] * (n - 1), (1.0, 5.0))
    timing = rows(hand.timed(CASES, seconds, noisy=[n - 1]))["bf16"].timing
    assert timing is not None
    assert timing.speedup is not None
    assert (timing.speedup.n, timing.noisy, timing.set_aside) == (used, 1, set_aside)
    assert (timing.speedup.point == pytest.approx(2)) == bool(set_aside)


def test_a_wrong_result_keeps_its_time_and_has_no_speedup() -> None:
    launches = hand.timed(CASES, pair(*[(1.0, 0.1)] * 3), equality=EQUAL)
    launches[1]["records"][1]["equality"] = {**EQUAL, "value": 0.03, "ok": False}
    row = rows(launches)["bf16"]
    assert row.outcome == WRONG_RESULT
    assert row.message == "relative L2 0.03 against a tolerance of 0.0001"
    assert row.failure.startswith("wrong result: relative L2")
    assert row.timing is not None
    assert row.timing.step.point == pytest.approx(0.1)
    assert row.speedup is None
    assert row.timing.effects == ()


def test_results_that_cannot_be_compared_are_wrong() -> None:
    bad = {**EQUAL, "value": None, "ok": False, "message": "NaN or infinity in the result"}
    row = rows(hand.timed(CASES, pair((1.0, 0.1)), equality=bad))["bf16"]
    assert (row.outcome, row.message) == (WRONG_RESULT, "NaN or infinity in the result")
    assert row.equality is not None
    assert row.equality.value.point == math.inf


def test_an_outcome_without_a_value_is_never_equal() -> None:
    row = rows(hand.timed(CASES, pair((1.0, 0.1)), equality={**EQUAL, "value": None}))["bf16"]
    assert row.outcome == WRONG_RESULT


def test_memory_by_hand() -> None:
    found = rows(
        hand.weighed(
            CASES,
            {"fp32": {"peak": 1000, "resident": 400}, "bf16": {"peak": 600, "resident": 400}},
            host={"start_rss": 1, "peak_rss": 7000},
        )
    )
    memory = found["bf16"].memory
    assert memory is not None
    assert memory.saving is not None
    assert (memory.peak.point, memory.activations.point) == (600, 200)
    assert (memory.saving.point, memory.saving.low, memory.saving.high) == pytest.approx((0.4, 0.4, 0.4))
    assert memory.host_rss is not None
    assert memory.host_rss.point == 7000
    assert found["fp32"].saving is None


def test_memory_that_differs_between_launches_spans_them() -> None:
    once = hand.weighed(CASES, {"fp32": {"peak": 1000}, "bf16": {"peak": 500}})
    again = hand.weighed(CASES, {"fp32": {"peak": 1000}, "bf16": {"peak": 600}})
    saving = rows([*once, {**again[0], "launch": 1}])["bf16"].saving
    assert saving is not None
    assert (saving.low, saving.point, saving.high) == pytest.approx((0.4, 0.45, 0.5))


def test_compression_is_by_bytes_of_parameters() -> None:
    launches = hand.timed(CASES, pair((1.0, 1.0)))
    launches[0]["records"][0].update(parameter_bytes=400, parameters=100)
    launches[0]["records"][1].update(parameter_bytes=100, parameters=100)
    row = rows(launches)["bf16"]
    assert row.compression is not None
    assert (row.compression.point, row.parameters) == (4.0, 100)


def test_quality_is_paired_by_seed() -> None:
    row = rows(hand.graded(CASES, {"fp32": [1.0, 2.0, 4.0], "bf16": [1.1, 2.2, 4.4]}))["bf16"]
    assert row.quality is not None
    assert row.quality.losses == pytest.approx((0.1, 0.1, 0.1))
    assert row.quality.loss is not None
    assert row.quality.loss.point == pytest.approx(0.1)
    assert row.quality.finite


def test_a_run_that_meets_nan_has_lost_everything() -> None:
    row = rows(hand.graded(CASES, {"fp32": [1.0, 1.0, 1.0], "bf16": [1.0, None, 1.0]}))["bf16"]
    assert row.quality is not None
    assert not row.quality.finite
    assert row.quality.loss is not None
    assert row.quality.loss.low == math.inf


def test_compile_time_and_when_it_has_paid() -> None:
    """11 s cold and 3 s warm against 1 s steady; the baseline's first step takes 1 s over its steady 2 s."""
    launches = hand.timed(CASES, pair(*[(2.0, 1.0)] * 3))
    for number, one in enumerate(launches):
        one["records"][0].update(first_step=3.0, cold_cache=number == 0)
        one["records"][1].update(first_step=11.0 if number == 0 else 3.0, cold_cache=number == 0)
    timing = rows(launches)["bf16"].timing
    assert timing is not None
    assert timing.compile_cold == pytest.approx(10)
    assert timing.compile_warm == pytest.approx(2)
    assert timing.pays_after == 9


@pytest.mark.parametrize(("seconds", "expected"), [((1.0, 2.0), math.inf), ((1.0, 1.0), None)])
def test_what_is_slower_never_pays_and_what_is_equal_cannot_be_told(
    seconds: tuple[float, float], expected: float | None
) -> None:
    timing = rows(hand.timed(CASES, pair(*[seconds] * 3)))["bf16"].timing
    assert timing is not None
    assert timing.pays_after == expected


def test_the_share_of_the_machines_limit_is_of_the_baselines_work() -> None:
    launches = hand.timed(CASES, pair(*[(1.0, 0.5)] * 3))
    launches += hand.weighed(CASES[:1], {"fp32": {"peak": 1}}, flops=100, minimum_bytes=20)
    ceilings = {"float32": 200.0, "bfloat16": 1000.0, "copy": 100.0}
    found = rows(launches, ceilings=ceilings)
    base, variant = found["fp32"].timing, found["bf16"].timing
    assert base is not None
    assert variant is not None
    assert base.of_limit == pytest.approx(0.5)  # 100 / 200 s of arithmetic in 1 s
    assert variant.of_limit == pytest.approx(
        0.4
    )  # 20 / 100 s of traffic, more than 0.1 s of arithmetic, in 0.5 s


def test_what_computes_in_int8_is_held_against_int8_or_nothing() -> None:
    """Or against fp32, where the product of int8 that torch has is slower than that."""
    both = hand.group("fp32", "dynamic-int8", batch=4)
    launches = hand.timed(both, [{"fp32": 1.0, "dynamic-int8": 0.25}] * 3)
    launches += hand.weighed(both[:1], {"fp32": {"peak": 1}}, flops=100, minimum_bytes=1)
    for int8, expected in (({}, None), ({"int8": 800.0}, 0.5), ({"int8": 3.0}, 2.0)):
        ceilings = {"float32": 200.0, "copy": 100.0, **int8}
        timing = rows(launches, both, ceilings=ceilings)["dynamic-int8"].timing
        assert timing is not None
        assert timing.of_limit == expected


def test_without_ceilings_no_share_is_told() -> None:
    timing = rows(hand.timed(CASES, pair((1.0, 0.5))))["bf16"].timing
    assert timing is not None
    assert timing.of_limit is None


@pytest.mark.parametrize(
    ("outcome", "message", "failure"),
    [
        (OUT_OF_MEMORY, "asked for 9 GB", "out-of-memory: asked for 9 GB"),
        (TIMEOUT, "", "timeout"),
        (crashed("SIGKILL"), "killed", "crashed: SIGKILL: killed"),
        (unsupported("needs CUDA"), "needs CUDA", "unsupported: needs CUDA"),
    ],
)
def test_a_failed_case_is_a_row_and_the_others_stay(outcome: str, message: str, failure: str) -> None:
    launches = hand.timed(CASES, [{"fp32": 1.0}] * 3)
    launches[0]["records"].append(hand.record(VARIANT, outcome, message))
    found = rows(launches)
    assert (found["bf16"].outcome, found["bf16"].failure) == (outcome, failure)
    assert found["bf16"].timing is None
    assert found["fp32"].n == 3


def test_one_launch_lost_among_others_is_said_and_not_hidden() -> None:
    launches = hand.timed(CASES, pair(*[(1.0, 0.5)] * 3))
    launches.append(hand.launch(CASES, "time", 3, [hand.record(VARIANT, crashed("SIGKILL"), "killed")]))
    row = rows(launches)["bf16"]
    assert (row.outcome, row.message) == ("ok", "1 of 4 launches failed (crashed: SIGKILL)")
    assert row.speedup is not None
    assert row.speedup.n == 3


def test_a_case_whose_memory_could_not_be_measured_keeps_its_times() -> None:
    launches = hand.timed(CASES, pair(*[(1.0, 0.5)] * 3))
    launches.append(hand.launch(CASES, "memory", 0, [hand.record(VARIANT, OUT_OF_MEMORY, "9 GB")]))
    row = rows(launches)["bf16"]
    assert row.outcome == OUT_OF_MEMORY
    assert row.memory is None
    assert row.speedup is not None


def test_a_planned_case_without_launches_is_a_row() -> None:
    assert {row.outcome for row in rows([]).values()} == {NOT_RUN}


def test_a_failed_baseline_leaves_the_variants_their_times() -> None:
    launches = hand.timed(CASES, [{"bf16": 0.5}] * 3)
    launches[0]["records"].append(hand.record(BASE, TIMEOUT))
    row = rows(launches)["bf16"]
    assert row.timing is not None
    assert row.speedup is None
    assert row.baseline is not None
    assert row.baseline.outcome == TIMEOUT


def test_only_the_groups_asked_for() -> None:
    other = hand.group("fp32", "bf16", batch=8)
    launches = [*hand.timed(CASES, pair((1.0, 0.5))), *hand.timed(other, pair((1.0, 0.5)))]
    some = summarise(hand.run(CASES, other, launches=launches), groups=[other[0].group])
    assert [row.case for row in some] == other
    assert len(summarise(hand.run(CASES, other, launches=launches))) == 4


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_large_run_is_summarised_alike_in_two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [hand.group("fp32", "bf16", batch=n) for n in range(1, 9)]
    launches = [one for group in groups for one in hand.timed(group, pair((1.0, 0.5), (2.0, 1.0)))]
    run = hand.run(*groups, launches=launches)
    alone = summarise(run)
    monkeypatch.setattr(summary, "LARGE", len(launches))
    monkeypatch.setattr(halves, "_forks", lambda: True)
    found = summarise(run)
    assert found == alone
    assert all(row.baseline is first for first, row in zip(found[::2], found[1::2], strict=True))


def test_a_record_that_was_never_planned_is_refused() -> None:
    stray = hand.group("fp32", batch=99)
    with pytest.raises(BadInput, match=r"batch=99@cpu#fp32, which is not in the plan"):
        rows(hand.timed(stray, [{"fp32": 1.0}]))


def test_a_row_leads_to_its_baseline() -> None:
    found = rows(hand.timed(CASES, pair((1.0, 0.5))))
    assert found["bf16"].baseline is found["fp32"]
    assert found["fp32"].baseline is None


def test_what_jobs_tell_is_the_median_of_numbers_and_the_commonest_word() -> None:
    launches = hand.timed(CASES, pair(*[(1.0, 0.5)] * 3))
    told = [(0.1, "loading"), (0.2, "computing"), (0.6, "loading")]
    for launch, (rate, word) in zip(launches, told, strict=True):
        launch["records"][1]["figures"] = {"hit rate": rate, "bottleneck": word}
    found = rows(launches)
    assert found["bf16"].figures == {"hit rate": 0.2, "bottleneck": "loading"}
    assert found["fp32"].figures == {}
