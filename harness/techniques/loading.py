"""Loading weights: how a model gets them from files, and how many copies of them there are meanwhile.

The plain way holds two, the model's random weights and those read from the file. What is made on the meta
device has no weights of its own and takes over the tensors that were read; what is read shard by shard holds
one shard besides. Files of safetensors are mapped: they take memory as they are used, and the machine can
have that back at any time. A step is one load and one short forward pass, without which mapped weights would
not have been read at all. The files are in the machine's cache, so that a disk is not what is timed.
"""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def loaded(way: str, workload: Workload) -> Workload:
    return workload.with_options(load=way)


def _variant(way: str, says: str) -> Variant:
    return Variant(apply=partial(loaded, way), says=says, tolerance=1e-6)


TECHNIQUE = Technique(
    name="loading",
    says="a model's weights read from files",
    stage="loading",
    phases=("load",),
    baseline="built",
    variants={
        "built": _variant("built", "built with random weights; the whole state dict read and copied into it"),
        "shards": _variant("shards", "built with random weights; a quarter of the weights read at a time"),
        "meta": _variant("meta", "built without weights (meta device); takes over the whole state dict"),
        "meta-shards": _variant("meta-shards", "built without weights; takes over mapped shards, one by one"),
        "from-pretrained": _variant(
            "from-pretrained", "from_pretrained of transformers, from the same shards"
        ),
    },
)
