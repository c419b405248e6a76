"""A student has the teacher's answers in its loss, at the temperature it says, and trains to the end."""

from __future__ import annotations

import math

import pytest
import torch

from harness import distilling
from harness.benchmark import model
from harness.workload import ModelJob, Workload


def digits(layers: int, phase: str = "infer") -> Workload:
    return model("digits")(phase=phase, size="tiny", layers=layers)


class Answering(torch.nn.Module):
    """A student whose logits are what it is given."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(logits)


def loss_of(answers: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    student = Workload(model="", phase="infer", samples=1, forward=lambda net, _: net.logits)  # type: ignore
    return distilling.loss(student, Answering(answers), {"labels": labels, "teacher": teacher})


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


def test_the_teacher_answers_each_batch_of_the_training() -> None:
    workload = digits(3)
    train = distilling.training(digits(1))
    torch.manual_seed(workload.seed)
    batches = distilling.with_answers(workload, train)
    assert train.make_batches
    plain = train.make_batches()
    assert len(batches) == len(plain)
    assert torch.equal(batches[0]["labels"], plain[0]["labels"])
    teacher = ModelJob(workload)
    with torch.no_grad():
        expected = workload.forward(teacher.model, batches[0])  # type: ignore[misc]
    assert torch.equal(batches[0]["teacher"], expected)


def test_a_student_is_trained_with_its_own_parameters() -> None:
    train = distilling.training(digits(1))
    assert (train.phase, train.parameters["layers"]) == ("train", 1)


def test_what_is_taught_is_trained_and_holds_no_gradients() -> None:
    teacher, student = digits(3), digits(1)
    fresh = ModelJob(distilling.training(student)).model
    torch.manual_seed(student.seed)
    found = distilling.taught(teacher, student)
    pairs = list(zip(found.parameters(), fresh.parameters(), strict=True))
    assert all(one.shape == other.shape and one.grad is None for one, other in pairs)
    assert not any(torch.equal(one, other) for one, other in pairs)
