"""Accumulating gives the large batch's gradients in one update; its speed is compared in both ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness import equal
from harness.errors import Unsupported
from harness.technique import stack, technique
from harness.workload import ModelJob
from tests import handmade
from tests.techniques.conftest import Results, first_step, tiny

ACCUMULATION = technique("accumulation")


def job(variant: str, model: str = "digits") -> ModelJob:
    built = ACCUMULATION.variant(variant).apply(tiny(model)).build()
    assert isinstance(built, ModelJob)
    return built


@pytest.mark.parametrize("model", ["gpt2", "bert", "digits"])
def test_weights_after_three_updates_are_those_of_the_whole_batch(model: str) -> None:
    whole, parts = job("whole", model), job("accumulate-4", model)
    for _ in range(3):
        whole.step()
        parts.step()
    # The update's sign may flip on a gradient that is all rounding, so all weights together are compared.
    one, other = (
        torch.cat([weight.detach().flatten() for weight in each.model.parameters()])
        for each in (whole, parts)
    )
    assert float((one - other).norm() / one.norm()) < 1e-3


def test_parts_of_unequal_size_weigh_as_much_as_they_hold(
    baseline: Callable[[str, str], Results],
) -> None:
    found = first_step(ACCUMULATION.variant("accumulate-2").apply(tiny("digits")))
    assert equal.equality(baseline("digits", "train"), found, 1e-5)["ok"]
    plain = tiny("digits")
    odd = job("accumulate-2")
    odd.batches = [{name: value[:7] for name, value in odd.batches[0].items()}]
    whole = plain.build()
    whole.batches = odd.batches  # type: ignore[attr-defined]
    odd.step()
    whole.step()
    assert equal.equality(equal.evidence(whole), equal.evidence(odd), 1e-5)["ok"]


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


def test_activations_are_those_of_a_part() -> None:
    from harness.memory import HostReader

    def activations(variant: str) -> int:
        found = HostReader().measure(job(variant))
        return int(found["peak"] - found["resident"])

    assert activations("accumulate-4") < 0.6 * activations("whole")


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
