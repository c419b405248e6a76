"""A smaller model of the same family: fewer layers, narrower ones, fewer hidden and latent units.

Another result by design. What it costs in quality is measured where the model trains to an end (digits).
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Workload

#: The sources' own pairs: ResNet-152 to 18, wide ResNet 28x10 to 28x2, hidden 128 to 64 and latent 64 to 32.
#: Half the layers for the transformers, of which they name none.
SMALLER: Mapping[str, Mapping[str, int]] = {
    "resnet": {"layers": 18},
    "wide_resnet": {"widen": 2},
    "trajectory": {"hidden": 64, "latent": 32},
}


def smaller(workload: Workload) -> Workload:
    """Raises Unsupported for a model of a single layer, which has no half."""
    changed = SMALLER.get(workload.model)
    if changed is None:
        layers = workload.parameters.get("layers", 1)
        if layers < 2:
            raise Unsupported(f"{workload.model} has no layers to leave out")
        changed = {"layers": layers // 2}
    return workload.again(**changed)


TECHNIQUE = Technique(
    name="model-size",
    says="a smaller model of the same family",
    stage="architecture",
    family="compression",
    baseline="whole",
    variants={
        "whole": Variant(says="ResNet-152, wide ResNet 28x10, 128 hidden and 64 latent units"),
        "smaller": Variant(
            apply=smaller,
            says="ResNet-18, wide ResNet 28x2, 64 hidden and 32 latent units; half of other layers",
            tolerance=None,
        ),
    },
)
