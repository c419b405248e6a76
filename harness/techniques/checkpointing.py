"""Gradient checkpointing: activations inside a layer are dropped and computed again in the backward pass.

That repeats the same arithmetic, so gradients are those of the baseline to the last bits.
"""

from __future__ import annotations

from functools import partial

from harness import gradient_checkpoints as checkpoints
from harness.technique import Technique, Variant
from harness.workload import Edit


def variant(edit: Edit, says: str) -> Variant:
    return Variant(apply=lambda workload: workload.edited(edit), says=says, tolerance=1e-5)


TECHNIQUE = Technique(
    name="checkpointing",
    says="activations computed again in the backward pass, and not kept",
    stage="checkpointing",
    phases=("train",),
    baseline="none",
    variants={
        "none": Variant(says="every activation kept"),
        "full": variant(checkpoints.by_transformers, "each layer, by the switch of transformers"),
        "torch": variant(checkpoints.each, "each layer, by torch.utils.checkpoint"),
        "every-2nd": variant(partial(checkpoints.each, every=2), "every second layer"),
        "sqrt": variant(
            checkpoints.segments, "segments of sqrt(layers) layers, of which only the input is kept"
        ),
        "selective": variant(
            checkpoints.selective, "each layer, but what matmuls and attention gave is kept"
        ),
    },
)
