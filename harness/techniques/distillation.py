"""Distillation: a small student learns what a trained teacher answers, not the labels alone.

``student-alone`` is the same net from the same seed, trained as long on the labels alone: what the student
keeps beyond it is what distilling adds. Training is part of building and is not timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from harness.distilling import taught
from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Workload

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
    return replace(student, make_model=partial(taught, workload, student))


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
