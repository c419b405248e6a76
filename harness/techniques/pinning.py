"""Pinned memory: a device copies from it without a detour, and without making the host wait."""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def moved(transfer: str, workload: Workload) -> Workload:
    return workload.with_options(transfer=transfer)


def _variant(transfer: str, says: str) -> Variant:
    return Variant(
        apply=partial(moved, transfer), says=says, tolerance=1e-6, needs=("cuda",), devices=("cuda",)
    )


TECHNIQUE = Technique(
    name="pinning",
    family="data-loading",
    says="batches in pinned memory on their way to the device (pin_memory, non_blocking)",
    stage="loading",
    phases=("load",),
    baseline="pageable",
    variants={
        "pageable": Variant(apply=partial(moved, "plain"), says="to() from ordinary memory"),
        "pinned": _variant("pinned", "pin_memory=True: the loader's own thread pins each batch"),
        "pinned-non-blocking": _variant("pinned-non-blocking", "and the host does not wait for the copy"),
        "pinned-by-hand": _variant("by-hand", "pin_memory().to(): the host pins, then waits for the copy"),
    },
)
