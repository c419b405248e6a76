"""One update a step or one for each part; its speed is compared in both ways."""

from __future__ import annotations

import pytest

from harness import equal
from harness.errors import Unsupported
from harness.technique import stack, technique
from harness.workload import ModelJob
from tests import handmade
from tests.techniques.conftest import first_step, tiny

ACCUMULATION = technique("accumulation")


def job(variant: str) -> ModelJob:
    built = ACCUMULATION.variant(variant).apply(tiny("digits")).build()
    assert isinstance(built, ModelJob)
    return built


@pytest.mark.parametrize(("variant", "updates"), [("whole", 1), ("accumulate-4", 1), ("update-each-4", 4)])
def test_updates_per_step(variant: str, updates: int) -> None:
    built = job(variant)
    assert built.optimizer
    taken = 0

    def count(*_: object) -> None:
        nonlocal taken
        taken += 1

    built.optimizer.register_step_post_hook(count)
    built.step()
    assert taken == updates
    assert built.samples == 32


def test_gradients_scaled_for_fp16_are_unscaled_once() -> None:
    both = stack("accumulation:accumulate-2+mixed-precision:fp16")
    found = first_step(both.variant(both.name).apply(tiny("gpt2")))
    expected = first_step(both.variant("mixed-precision:fp16").apply(tiny("gpt2")))
    assert equal.equality(expected, found, 0.02)["ok"]


def test_a_pipeline_cannot_be_cut() -> None:
    with pytest.raises(Unsupported, match="in its own way"):
        ACCUMULATION.variant("accumulate-2").apply(tiny("trajectory"))


def timed(seconds: dict[str, float]) -> handmade.HandRun:
    cases = handmade.group(*seconds, benchmark="accumulation", technique="batch")
    return handmade.run(cases, launches=handmade.timed(cases, [seconds] * 3))


def test_two_sources_speak_of_two_comparisons_and_both_may_be_right() -> None:
    run = timed({"whole": 1.0, "accumulate-4": 1.0, "update-each-4": 1.25})
    assert handmade.one(run, "accumulation.speed.hf").verdict == "confirmed"
    assert handmade.one(run, "accumulation.speed.mleng").verdict == "confirmed"


def test_without_the_small_batches_the_second_is_not_measured() -> None:
    found = handmade.one(timed({"whole": 1.0, "accumulate-4": 1.0}), "accumulation.speed.mleng")
    assert (found.verdict, "update-each-4" in found.reason) == ("not-measured", True)
