"""A/A control: the same workload twice, so that tables show what is read where nothing has changed."""

from harness.technique import Technique, Variant
from harness.workload import PHASES

TECHNIQUE = Technique(
    name="control",
    says="nothing against nothing: a speedup other than 1 here is a false alarm",
    stage="control",
    phases=PHASES,
    baseline="same",
    variants={
        "same": Variant(says="the workload as it is"),
        "again": Variant(says="the workload as it is, once more", tolerance=1e-6),
    },
)
