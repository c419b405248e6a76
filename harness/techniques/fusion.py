"""Operator fusion for inference: the factors of a normalization folded into the layer after it.

In fp32 results differ by 1e-6; of a ResNet by up to 1e-4, for ReLUs behind what was a normalization flip.
"""

from __future__ import annotations

from harness import folding
from harness.technique import Technique, Variant
from harness.workload import Edit


def variant(edit: Edit, says: str) -> Variant:
    return Variant(apply=lambda workload: workload.edited(edit), says=says, tolerance=1e-3)


TECHNIQUE = Technique(
    name="fusion",
    family="kernels",
    says="normalizations folded into the layers beside them",
    stage="folding",
    phases=("infer",),
    baseline="separate",
    variants={
        "separate": Variant(says="each operation on its own"),
        "layer-norm-linear": variant(
            folding.layer_norm_linear, "LayerNorm's factors in the Linear layers that read it"
        ),
        "conv-batch-norm": variant(
            folding.conv_batch_norm, "batch normalization in the convolution before it"
        ),
    },
)
