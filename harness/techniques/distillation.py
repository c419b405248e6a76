"""Distillation: a small student learns what a trained teacher answers, not the labels alone.

After Hinton, Vinyals and Dean (2015). The student's loss is cross-entropy with the labels, and KL
divergence from the teacher's probabilities, both softened at temperature 3; times 9, so that the gradients
of the softened part are as large as at temperature 1. ``student-alone`` is the same net from the same seed,
trained as long on the labels alone: what the student keeps beyond it is what distilling adds. Training is
part of building and is not timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Batch, ModelJob, Workload

if TYPE_CHECKING:
    import torch

#: The temperature of the guide that we follow, and the part that the teacher's answers have in the loss.
TEMPERATURE, SOFT = 3.0, 0.5
#: The share of layers that a student keeps, so that it has about 60 percent of the parameters, as DistilBERT
#: has of BERT: half where embeddings are a fifth of the model, more where there are next to none.
KEPT: Mapping[str, float] = {"digits": 0.6}


def smaller(workload: Workload) -> Workload:
    """The student's net, trained on the labels. Raises Unsupported for a model that is no trained teacher."""
    layers = workload.parameters.get("layers", 1)
    if workload.quality is None or "epochs" not in workload.parameters:
        raise Unsupported(f"{workload.model} is not trained to an end, so there is no teacher")
    if layers < 2:
        raise Unsupported(f"{workload.model} has no layers to leave out")
    return workload.again(layers=max(1, round(KEPT.get(workload.model, 0.5) * layers)))


def distilled(workload: Workload) -> Workload:
    student = smaller(workload)
    assert student.make
    train = student.make(phase="train", device=student.device, seed=student.seed, **student.parameters)
    return replace(student, make_model=partial(taught, workload, student, train))


def taught(teacher: Workload, student: Workload, train: Workload) -> torch.nn.Module:
    """The student as `train` would train it, but for the loss."""
    assert train.quality
    lessons = replace(
        train, make_batches=partial(with_answers, teacher, train), forward=partial(loss, student)
    )
    job = ModelJob(lessons)
    train.quality(job)  # Trains to the end.
    job.model.zero_grad()  # Inference holds no gradients.
    return job.model


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


TECHNIQUE = Technique(
    name="distillation",
    says="a small student trained on a teacher's answers",
    stage="architecture",
    family="compression",
    baseline="teacher",
    phases=("infer",),
    measures=("memory", "time", "quality"),
    variants={
        "teacher": Variant(says="the large model, trained"),
        "student": Variant(
            apply=distilled,
            says="about 60 % of the parameters, trained on labels and the teacher's answers at temperature 3",
            tolerance=None,
        ),
        "student-alone": Variant(
            apply=smaller, says="the same small model, trained on the labels alone", tolerance=None
        ),
    },
)
