"""Streaming: a pipeline trains on each batch's embeddings at once, and does not collect them all before."""

from harness.technique import Technique, Variant
from harness.workload import Workload


def _way(way: str, *release: str, says: str, devices: tuple[str, ...] | None = None) -> Variant:
    """`release` is what is done with a batch that has been trained on; a host leaves out ``empty_cache``."""

    def apply(workload: Workload) -> Workload:
        return workload.with_options(way=way, release=release)

    # The same arithmetic on the same values in the same order.
    return Variant(apply=apply, says=says, tolerance=1e-5, devices=devices)


CUDA = ("cuda",)

TECHNIQUE = Technique(
    name="streaming",
    says="training on each batch's embeddings at once, in place of collecting them all",
    stage="pipeline",
    phases=("train",),
    baseline="accumulate",
    variants={
        "accumulate": _way("accumulate", says="every batch's embeddings kept in a list, then trained on"),
        "stream": _way(
            "stream", "del", "empty_cache", says="trained on, deleted and, on CUDA, empty_cache()"
        ),
        "stream-del": _way("stream", "del", says="trained on and deleted", devices=CUDA),
        "stream-empty-cache": _way("stream", "empty_cache", says="trained on, empty_cache()", devices=CUDA),
        "stream-neither": _way("stream", says="trained on; the next batch takes its names", devices=CUDA),
    },
    tags=("memory",),
)
