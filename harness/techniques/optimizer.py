"""The optimizer's step: AdamW parameter by parameter, in groups, in one kernel, or with a smaller state.

AdamW's learning rate, betas, eps and weight decay are those of the workload's own, Adafactor's are its own,
for its rate is one of another quantity; both follow the workload's schedule. A step's loss and gradients come
before the update, so that the first are equal whatever the optimizer does: where training arrives is told by
quality, for 8-bit AdamW and Adafactor change the updates.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from harness.optimizers import Make, adafactor, adamw, adamw_8bit, like
from harness.technique import Technique, Variant
from harness.workload import Workload


def variant(make: Make, says: str, **more: Any) -> Variant:
    def apply(workload: Workload) -> Workload:
        return replace(workload, make_optimizer=partial(like, workload.make_optimizer, make))

    return Variant(apply=apply, says=says, **more)


TECHNIQUE = Technique(
    name="optimizer",
    family="kernels",
    says="AdamW in fewer kernels, or with a smaller state",
    stage="optimizer",
    phases=("train",),
    baseline="loop",
    variants={
        "loop": variant(partial(adamw, foreach=False, fused=False), "AdamW, one parameter after the other"),
        "foreach": variant(partial(adamw, foreach=True), "AdamW, each operation over all parameters at once"),
        "fused": variant(partial(adamw, fused=True), "AdamW, all operations in one kernel"),
        "8-bit": variant(
            adamw_8bit,
            "AdamW of bitsandbytes, moments in 8 bits",
            needs=("bitsandbytes>=0.45",),
            tolerance=0.01,
        ),
        "adafactor": variant(adafactor, "Adafactor: other updates, second moments factored", tolerance=None),
    },
    tags=("memory",),
)
