"""How memory and gains grow, on the claims of the shipped ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import growth, stats
from harness.judgement import ClaimVerdict
from harness.record import OUT_OF_MEMORY
from harness.summary import summarise
from harness.verdict import CONFIRMED, INCONCLUSIVE, NOT_MEASURED, REVERSED, SHORT
from tests import handmade as hand
from tests.handmade import one, verdicts


def checkpointing(peaks: Mapping[str, Sequence[int]]) -> hand.HandRun:
    """Activations of each variant at 4, 16 and 64 layers, above 1000 resident bytes."""
    groups, launches = [], []
    for place, layers in enumerate((4, 16, 64)):
        cases = hand.group(*peaks, benchmark="checkpointing", layers=layers)
        groups.append(cases)
        found = {name: {"peak": 1000 + values[place], "resident": 1000} for name, values in peaks.items()}
        launches += hand.weighed(cases, found)
    return hand.run(*groups, launches=launches)


def test_the_square_root_is_read_off_three_depths() -> None:
    run = checkpointing({"none": (400, 1600, 6400), "full": (40, 160, 640), "sqrt": (200, 400, 800)})
    found = one(run, "checkpointing.memory.chen")
    assert found.workload == "gpt2-train over layers 4, 16, 64 [sqrt]"
    assert found.verdict == CONFIRMED
    assert "0.5 lies within our reading of the claim, 0.4 to 0.6" in found.reason
    assert "of the others: none 1, full 1" in found.reason
    assert len(found.cases) == 3


def test_a_single_depth_beside_three_is_no_scale() -> None:
    run = checkpointing({"none": (400, 1600, 6400), "sqrt": (200, 400, 800)})
    lone = hand.group("none", "sqrt", benchmark="checkpointing", batch=4)
    run.info["plan"]["groups"].append([case.as_json() for case in lone])
    run.launches += hand.weighed(lone, {"none": {"peak": 2000}, "sqrt": {"peak": 1500}})
    assert one(run, "checkpointing.memory.chen").verdict == CONFIRMED


def test_memory_that_grows_with_depth_all_the_same_is_short() -> None:
    linear = checkpointing({"none": (400, 1600, 6400), "sqrt": (100, 320, 1024)})
    assert one(linear, "checkpointing.memory.chen").verdict == SHORT


def test_a_constant_that_hides_the_law_leaves_it_open() -> None:
    """A line that begins high looks like a root to a fit without a constant."""
    run = checkpointing({"none": (400, 1600, 6400), "sqrt": (400 + 40, 400 + 160, 400 + 640)})
    found = one(run, "checkpointing.memory.chen")
    assert found.verdict == INCONCLUSIVE
    assert found.found is not None
    assert found.found.value.low < 0.4
    assert found.found.value.high == pytest.approx(1.0)


@given(st.floats(0.1, 3), st.floats(0, 1e3), st.floats(0.1, 1e3))
def test_a_power_law_above_a_constant_has_its_exponent(k: float, constant: float, c: float) -> None:
    points = [(x, constant + c * x**k) for x in (4.0, 9.0, 16.0)]
    assert growth.exponent_above_constant(points) == pytest.approx(k, abs=0.01)


@pytest.mark.parametrize(
    ("y", "expected"), [((5, 5, 5), 0), ((5, 4, 3), 0), ((5, 5, 6), 4.1), ((5, 6, 6), -4)]
)
def test_what_follows_no_power_law_is_as_far_off_as_can_be(y: tuple[float, ...], expected: float) -> None:
    points = list(zip((4.0, 9.0, 16.0), y, strict=True))
    assert growth.exponent_above_constant(points) == pytest.approx(expected, abs=0.01)


def test_gradients_are_no_activations() -> None:
    cases = hand.group("none", benchmark="checkpointing")
    found = {"peak": 1000, "weights": 100, "gradients": 100, "optimizer": 200, "batch": 10, "resident": 410}
    (row,) = summarise(hand.run(cases, launches=hand.weighed(cases, {"none": found})))
    assert row.memory is not None
    assert row.memory.activations.point == 690


def test_two_depths_tell_no_exponent() -> None:
    run = checkpointing({"none": (400, 1600, 6400), "sqrt": (200, 400, 800)})
    run.launches[0]["records"][1] = hand.record(
        hand.group("none", "sqrt", benchmark="checkpointing", layers=4)[1], OUT_OF_MEMORY, "9 GB"
    )
    found = one(run, "checkpointing.memory.chen")
    assert found.verdict == NOT_MEASURED
    assert "takes 3 depths, this run has 2" in found.reason
    assert "layers=4@cpu#sqrt: out-of-memory: 9 GB" in found.reason


def compiled(speeds: Mapping[int, Sequence[float]]) -> hand.HandRun:
    """Speedups of each launch by number of parameters."""
    groups, launches = [], []
    for width, (parameters, ratios) in enumerate(speeds.items()):
        cases = hand.group("eager", "default", benchmark="compile", batch=2, width=width)
        groups.append(cases)
        seconds = [{"eager": ratio, "default": 1.0} for ratio in ratios]
        launches += hand.timed(cases, seconds, parameters=parameters)
    return hand.run(*groups, launches=launches)


def test_gains_that_rise_with_size() -> None:
    found = one(
        compiled({10**6: hand.around(1.1), 10**7: hand.around(1.2), 10**8: hand.around(1.3)}),
        "compile.grows.002",
    )
    assert found.verdict == CONFIRMED
    assert found.workload == "gpt2-train batch=2 over width 0, 1, 2 [default]"
    assert "1.1x at 1,000,000, 1.2x at 10,000,000, 1.3x at 100,000,000" in found.reason
    assert found.found is not None
    assert found.found.value.point == pytest.approx(math.log(1.3 / 1.1) / math.log(100), rel=1e-6)


def test_gains_that_fall_or_stay() -> None:
    falling = compiled({10**6: hand.around(1.3), 10**7: hand.around(1.2), 10**8: hand.around(1.1)})
    assert one(falling, "compile.grows.002").verdict == REVERSED
    level = compiled({10**6: hand.around(1.2), 10**7: [1.2] * 3, 10**8: hand.around(1.2)[::-1]})
    assert one(level, "compile.grows.002").verdict == INCONCLUSIVE


def test_two_sizes_tell_no_growth() -> None:
    found = one(compiled({10**6: [1.1] * 3, 10**7: [1.2] * 3}), "compile.grows.002")
    assert (found.verdict, found.reason) == (NOT_MEASURED, "takes 3 sizes, this run has 2")


def streaming(
    variant: str, trace: Sequence[int], adapt: str = "none", device: str = "cpu", **more: Any
) -> hand.HandRun:
    cases = hand.group(
        "accumulate",
        "stream",
        "stream-neither",
        benchmark="streaming",
        model="trajectory",
        device=device,
        images=500,
        adapt=adapt,
    )
    memory = {"peak": 9000, "trace": list(trace), "batch_bytes": 1000, **more}
    return hand.run(cases, launches=hand.weighed(cases, {variant: memory}))


def test_a_flat_memory_is_constant() -> None:
    found = verdicts(streaming("stream", [50] * 10), "streaming.constant.004")
    assert [each.verdict for each in found] == [CONFIRMED]
    assert "0 % lies within our reading of the claim, at most 1 %" in found[0].reason
    assert "1 kB of one batch's embeddings" in found[0].reason


def test_an_early_rise_does_not_hide_in_a_long_run() -> None:
    trace = [0, 300, 600, 900, *[900] * 60]
    found = one(streaming("stream", trace), "streaming.constant.004")
    assert found.found is not None
    assert found.found.value.high == pytest.approx(0.3)
    assert found.verdict != CONFIRMED


def test_a_leak_is_not_constant() -> None:
    assert one(streaming("stream", [20 * n for n in range(10)]), "streaming.constant.004").verdict == SHORT


def test_three_batches_tell_no_growth() -> None:
    found = one(streaming("stream", [50] * 3), "streaming.constant.004")
    assert (found.verdict, found.reason) == (
        NOT_MEASURED,
        "growth takes the memory after 4 batches, there are 3",
    )


@pytest.mark.parametrize(
    ("step", "expected"), [(1000, CONFIRMED), (960, CONFIRMED), (500, SHORT), (0, SHORT), (-10, REVERSED)]
)
def test_accumulating_grows_by_a_batch_for_every_batch(step: int, expected: str) -> None:
    run = streaming("accumulate", [step * n for n in range(10)])
    assert one(run, "accumulated.linear.004").verdict == expected


def test_elements_are_counted_per_thousand_images() -> None:
    found = one(streaming("accumulate", [], elements=500 * 49 * 16 * 128), "accumulated.elements.004")
    assert found.verdict == CONFIRMED
    assert found.found is not None
    assert found.found.value.point == 100_352_000
    assert "100,352,000" in found.reason


def test_lora_has_a_claim_of_its_own() -> None:
    run = streaming("stream", [50] * 10, adapt="lora")
    assert one(run, "streaming.lora.004").verdict == CONFIRMED
    assert one(run, "streaming.constant.004").reason == "no case with adapt=none in this run"


def test_cleaning_is_not_needed_where_memory_is_flat_without() -> None:
    found = one(streaming("stream-neither", [50] * 10, device="cuda"), "empty-cache.004")
    assert found.verdict == SHORT
    assert "; stream: no launch of it in this run" in found.reason
    held = one(
        streaming("stream-neither", [50] * 10, device="cuda", reserved_trace=range(0, 500, 50)),
        "empty-cache.004",
    )
    assert held.verdict == CONFIRMED
    assert held.reason.startswith("5 % lies within")
    grows = one(streaming("stream-neither", [100 * n for n in range(10)], device="cuda"), "empty-cache.004")
    assert grows.verdict == CONFIRMED
    assert "stream-neither: 10 %" in grows.reason


def test_every_beginning_has_its_slope() -> None:
    y = [0, 8, 16, 24, 24, 24, 24, 24, 24]
    expected = [stats.slope(range(n), y[:n]).point for n in range(4, len(y) + 1)]
    assert growth.prefix_slopes(y) == pytest.approx(expected)
    assert expected[0] == 8
    assert expected[-1] < 4


def over_lengths(lengths: Sequence[int], flash: Callable[[int], int], tokens: int = 8192) -> hand.HandRun:
    """Memory above the inputs of a sequence of each length: every score in the baseline, `flash` in flash."""
    groups, launches = [], []
    for length in lengths:
        batch = tokens // length
        cases = hand.group(
            "eager",
            "flash",
            benchmark="attention",
            model="attention",
            phase="kernel",
            batch=batch,
            length=length,
        )
        groups.append(cases)
        kept = {"weights": 0, "optimizer": 0, "batch": 1000}
        found = {
            "eager": {"peak": 1000 + batch * length**2, **kept},
            "flash": {"peak": 1000 + batch * flash(length), **kept},
        }
        launches += hand.weighed(cases, found)
    return hand.run(*groups, launches=launches)


def exponent(variant: str, run: hand.HandRun) -> ClaimVerdict:
    wanted = hand.claim(
        technique="attention",
        metric="ratio",
        range=[0.9, 1.1],
        better="lower",
        phase="kernel",
        variants=[variant],
        figure="length_exponent",
    )
    return one(run, wanted)


def test_memory_over_length_is_linear_or_quadratic_whatever_the_batch() -> None:
    run = over_lengths([512, 1024, 2048], lambda length: 200 * length)
    linear, quadratic = exponent("flash", run), exponent("eager", run)
    assert linear.found is not None
    assert quadratic.found is not None
    assert linear.found.value.point == pytest.approx(1)
    assert quadratic.found.value.point == pytest.approx(2)
    assert (linear.verdict, quadratic.verdict) == (CONFIRMED, SHORT)
    assert "eager 2" in linear.reason


def test_two_lengths_tell_no_exponent() -> None:
    found = exponent("flash", over_lengths([512, 1024], lambda length: length))
    assert (found.verdict, found.reason) == (NOT_MEASURED, "takes 3 lengths, this run has 2")


def test_the_memory_of_flash_attention_is_judged_at_2k_and_4k() -> None:
    found = one(over_lengths([1024, 2048, 4096], lambda length: 200 * length), "flash.memory.readme")
    assert found.verdict == CONFIRMED
    assert found.found is not None
    assert (found.found.value.low, found.found.value.high) == pytest.approx((10.24, 20.48))
    assert "at 1024, 10.2x at 2048, 20.5x at 4096; it grows with length to the power 1;" in found.reason
    quadratic = one(over_lengths([2048, 4096], lambda length: length**2 // 3), "flash.memory.readme")
    assert quadratic.verdict == SHORT
    short = one(over_lengths([256, 512, 1024], lambda length: 200 * length), "flash.memory.readme")
    assert short.verdict == NOT_MEASURED
    assert "takes a length of 2048 or 4096 tokens" in short.reason
