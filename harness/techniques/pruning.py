"""Pruning: weights set to zero, or left out.

Zeros in a dense matrix are stored and multiplied like any other number: they save nothing, and ``figures``
tells their share, beside the bytes of parameters that any run counts. Only what is left out is smaller: units
of a layer or, for the sparse kernels of GPUs, two of every four weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness import pruners
from harness.technique import Technique, Variant
from harness.workload import Edit, Workload


def gradual(workload: Workload) -> Workload:
    # After the update and not around it, so that a scaler of gradients may replace that.
    after = (*workload.after_update, pruners.gradual)
    return replace(workload, after_update=after).telling(pruners.zeros)


def _edit(edit: Edit, says: str, **given: Any) -> Variant:
    def apply(workload: Workload) -> Workload:
        return workload.edited(edit).telling(pruners.zeros)

    return Variant(apply=apply, says=says, tolerance=None, phases=("infer",), **given)


TECHNIQUE = Technique(
    name="pruning",
    says="weights set to zero, or left out",
    stage="weights",
    family="compression",
    baseline="dense",
    measures=("memory", "time", "quality"),
    variants={
        "dense": Variant(says="every weight"),
        "unstructured": _edit(
            pruners.unstructured, "half of the weights zero, the smallest: stored all the same"
        ),
        "2-4-zeros": _edit(pruners.two_of_four, "two of every four zero, in a dense matrix that stores them"),
        "structured": _edit(
            pruners.structured, "half of the hidden units cut out, the layers really smaller"
        ),
        "dense-fp16": _edit(pruners.fp16, "every weight, in fp16", devices=("cuda",)),
        "2-4-sparse": _edit(
            pruners.sparse,
            "two of every four left out, in fp16, by sparse kernels",
            needs=("cuda",),
            devices=("cuda",),
        ),
        "gradual": Variant(
            apply=gradual,
            says="half of the weights zero, more with every step",
            tolerance=None,
            phases=("train",),
        ),
    },
)
