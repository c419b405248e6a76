"""A student has the teacher's answers in its loss, at the temperature it says, and is the smaller net."""

from __future__ import annotations

import math
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


class Answering(torch.nn.Module):
    """A student whose logits are what it is given."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(logits)


def loss_of(answers: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    student = Workload(model="", phase="infer", samples=1, forward=lambda net, _: net.logits)  # type: ignore
    return distillation.loss(student, Answering(answers), {"labels": labels, "teacher": teacher})


def test_the_loss_is_that_of_the_paper() -> None:
    """Written out for one sample: half the hard loss, and half of 9 KL(teacher / 3 || student / 3)."""
    ours, theirs = [1.0, 2.0, 4.0], [3.0, 0.0, 1.0]
    hard = -math.log(math.exp(4) / sum(map(math.exp, ours)))
    p, q = ([math.exp(a / 3) / sum(math.exp(b / 3) for b in each) for a in each] for each in (theirs, ours))
    soft = 9 * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    found = loss_of(torch.tensor([ours]), torch.tensor([theirs]), torch.tensor([2]))
    assert float(found.detach()) == pytest.approx(0.5 * hard + 0.5 * soft, rel=1e-5)


def test_a_student_that_agrees_learns_from_labels_alone() -> None:
    answers, labels = torch.randn(4, 10), torch.arange(4)
    hard = torch.nn.functional.cross_entropy(answers, labels)
    assert float(loss_of(answers, answers, labels).detach()) == pytest.approx(0.5 * float(hard), rel=1e-5)


def test_the_teacher_that_answers_is_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = plain("digits")
    student = distillation.smaller(workload)
    assert student.make
    train = student.make(phase="train", **student.parameters)
    teacher = job("teacher", workload)
    torch.manual_seed(workload.seed)
    batch = distillation.with_answers(workload, train)[0]
    with torch.no_grad():
        expected = workload.forward(teacher.model, batch)  # type: ignore[misc]
    assert torch.equal(batch["teacher"], expected)


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
