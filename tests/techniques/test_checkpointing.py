"""Checkpointing: which layers are computed twice, and what is held meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness import benchmark
from harness.memory import HostReader
from harness.technique import technique
from harness.workload import ModelJob, Workload
from tests.techniques.conftest import tiny

CHECKPOINTING = technique("checkpointing")


def gpt2(layers: int, **given: Any) -> Workload:
    return benchmark.model("gpt2")(phase="train", size="tiny", layers=layers, **given)


def job_of(variant: str, workload: Workload) -> ModelJob:
    job = CHECKPOINTING.variant(variant).apply(workload).build()
    assert isinstance(job, ModelJob)
    return job


@pytest.mark.parametrize(
    ("variant", "twice"),
    [
        ("none", [1, 1, 1, 1, 1]),
        ("full", [2, 2, 2, 2, 2]),
        ("torch", [2, 2, 2, 2, 2]),
        ("every-2nd", [2, 1, 2, 1, 2]),
        ("sqrt", [2, 2, 2, 2, 2]),
        ("selective", [2, 2, 2, 2, 2]),
    ],
)
def test_which_layers_are_computed_twice(variant: str, twice: list[int]) -> None:
    job = job_of(variant, gpt2(layers=5))
    calls = [0] * 5
    for number, layer in enumerate(job.model.transformer.h):
        layer.ln_1.register_forward_pre_hook(
            lambda *_, number=number: calls.__setitem__(number, calls[number] + 1)
        )
    job.step()
    assert calls == twice


def test_each_way_holds_less_the_more_it_computes_again() -> None:
    """Of 9 layers: all, half and a few tensors of each, three layers' insides, one layer's."""
    workload = gpt2(layers=9, batch=4, length=64)
    peak = {}
    for name in CHECKPOINTING.variants:
        job = job_of(name, workload)
        job.step()
        peak[name] = HostReader().measure(job)["peak"]
    assert peak["none"] > peak["every-2nd"] > peak["sqrt"] > peak["full"]
    assert peak["none"] > peak["selective"] > peak["full"]
    assert peak["full"] == pytest.approx(peak["torch"], rel=0.02)
    assert peak["full"] < peak["none"] / 2


def test_parameters_keep_their_names() -> None:
    plain = {name for name, _ in job_of("none", tiny()).model.named_parameters()}
    for name in CHECKPOINTING.variants:
        assert {name for name, _ in job_of(name, tiny()).model.named_parameters()} == plain


def test_it_is_for_training() -> None:
    assert CHECKPOINTING.phases == ("train",)
    assert replace(tiny(), phase="train").edits == ()
