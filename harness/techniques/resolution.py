"""Resolution: fewer pixels of an image, or fewer positions of a feature map.

Another result by design: the model sees less. What that costs in quality depends on the images.
"""

from __future__ import annotations

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import Workload

#: The sides that the sources name: images from 224 pixels to 128, feature maps from 14 positions to 7.
IMAGES = (224, 128)
MAPS = (14, 7)


def lower(workload: Workload) -> Workload:
    """Of a pipeline over a feature map its positions; of a model of images their pixels, as 224 to 128.

    Rounded down to whole patches. Raises Unsupported for a model that has neither.
    """
    known = workload.parameters
    if "spatial" in known:
        return workload.again(spatial=known["spatial"] * MAPS[1] // MAPS[0])
    if "resolution" not in known:
        raise Unsupported(f"{workload.model} has no resolution")
    patch = known.get("patch", 1)
    return workload.again(resolution=max(1, known["resolution"] * IMAGES[1] // IMAGES[0] // patch) * patch)


TECHNIQUE = Technique(
    name="resolution",
    says="smaller images, or a coarser feature map",
    stage="architecture",
    family="batch",
    baseline="full",
    variants={
        "full": Variant(says="as it is: images of 224 pixels, a map of 14 x 14"),
        "lower": Variant(
            apply=lower, says="images of 128 pixels for 224, a map of 7 x 7 for 14 x 14", tolerance=None
        ),
    },
)
