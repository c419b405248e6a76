"""How a student is trained on what a teacher answers (Hinton, Vinyals and Dean 2015).

The student's loss is cross-entropy with the labels, and KL divergence from the teacher's probabilities, both
softened at temperature 3; times 9, so that the gradients of the softened part are as large as at temperature
1. Importing this module does not import torch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.workload import Batch, ModelJob, Workload

if TYPE_CHECKING:
    import torch

#: The temperature of the guide that we follow, and the part that the teacher's answers have in the loss.
TEMPERATURE, SOFT = 3.0, 0.5


def taught(teacher: Workload, student: Workload) -> torch.nn.Module:
    """The model of `student`, trained as that trains it alone but for the loss. Both are for inference."""
    train = training(student)
    assert train.quality
    job = ModelJob(
        replace(train, make_batches=partial(with_answers, teacher, train), forward=partial(loss, student))
    )
    train.quality(job)  # Trains to the end.
    job.model.zero_grad()  # Inference holds no gradients.
    return job.model


def training(student: Workload) -> Workload:
    assert student.make
    return student.make(phase="train", device=student.device, seed=student.seed, **student.parameters)


def with_answers(teacher: Workload, train: Workload) -> list[Batch]:
    """The batches of `train` with the teacher's logits: it reads each batch once, not in every epoch."""
    import torch

    assert teacher.make_model
    assert teacher.forward
    assert train.make_batches
    known = teacher.make_model().to(teacher.device).eval()
    answered: list[Batch] = []
    for batch in train.make_batches():
        given = {name: values.to(teacher.device) for name, values in batch.items()}
        with torch.no_grad():
            answered.append({**batch, "teacher": teacher.forward(known, given).cpu()})
    return answered


def loss(student: Workload, model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Of the student `model` on a batch with the labels and the teacher's logits."""
    import torch.nn.functional as of

    assert student.forward
    answers = student.forward(model, batch)
    hard = of.cross_entropy(answers, batch["labels"])
    wanted = of.log_softmax(batch["teacher"] / TEMPERATURE, dim=-1)
    found = of.log_softmax(answers / TEMPERATURE, dim=-1)
    divergence = of.kl_div(found, wanted, reduction="batchmean", log_target=True)
    return (1 - SOFT) * hard + SOFT * TEMPERATURE**2 * divergence
