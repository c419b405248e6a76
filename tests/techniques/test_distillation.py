"""A student is the smaller net, by as much as the claim says, and learns from the teacher."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness import memory
from harness.benchmark import model
from harness.errors import Unsupported
from harness.technique import technique
from harness.techniques import distillation
from harness.workload import ModelJob, Workload
from tests.techniques.conftest import tiny

DISTILLATION = technique("distillation")
SHAPES = {"digits": {"layers": 5}, "topics": {"layers": 4}}


def plain(name: str, **given: Any) -> Workload:
    return model(name)(phase="infer", size="tiny", **{**SHAPES[name], **given})


def job(variant: str, workload: Workload) -> ModelJob:
    built = DISTILLATION.variant(variant).apply(workload).build()
    assert isinstance(built, ModelJob)
    return built


@pytest.mark.parametrize("name", ["digits", "topics"])
def test_student_and_student_alone_are_one_net_with_other_weights(name: str) -> None:
    teacher, student, alone = (job(each, plain(name)) for each in DISTILLATION.variants)
    shapes = [{key: value.shape for key, value in one.model.state_dict().items()} for one in (student, alone)]
    assert shapes[0] == shapes[1]
    pairs = zip(student.model.parameters(), alone.model.parameters(), strict=True)
    assert any(not torch.equal(one, other) for one, other in pairs)
    sizes = [memory.size(one.tensors()["weights"]) for one in (teacher, student)]
    assert sizes[1] < sizes[0]
    assert student.step().shape == teacher.step().shape
    assert not any(one.tensors()["gradients"] for one in (teacher, student, alone)), "only inference is left"


@pytest.mark.parametrize(("name", "given"), [("digits", {"layers": 5}), ("topics", {})])
def test_the_student_is_about_forty_percent_smaller(name: str, given: dict[str, int]) -> None:
    whole = model(name)(phase="train", **given)
    student = distillation.smaller(model(name)(phase="infer", **given))
    assert student.make
    sizes = []
    for parameters in (whole.parameters, student.parameters):
        make = student.make(phase="train", **parameters).make_model
        assert make
        with torch.device("meta"):
            sizes.append(sum(weight.numel() for weight in make().parameters()))
    assert 1.5 < sizes[0] / sizes[1] < 1.8, "as the claim says of DistilBERT"


def test_the_same_seed_gives_the_same_student() -> None:
    one, again, other = (job("student", plain("digits", seed=seed)) for seed in (1, 1, 2))
    weights = [
        torch.cat([w.detach().reshape(-1) for w in each.model.parameters()]) for each in (one, again, other)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_taught_student_reads_the_test_set() -> None:
    """Trained for a few epochs, not guessing one in ten."""
    workload = model("digits")(phase="infer", layers=3, epochs=3)
    built = job("student", workload)
    assert workload.quality
    assert workload.quality(built)["accuracy"] > 0.5


@pytest.mark.parametrize(("name", "why"), [("gpt2", "no teacher"), ("digits", "no layers")])
def test_what_cannot_teach_says_so(name: str, why: str) -> None:
    with pytest.raises(Unsupported, match=why):
        distillation.distilled(tiny(name, "infer"))
