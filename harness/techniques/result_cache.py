"""Result cache: what the model has answered is kept on disk, and not computed for the same request again.

Each variant is one of the states that a cache is met in, so that what a hit saves and what a miss costs are
told apart; real traffic mixes them.
"""

from functools import partial

from harness.jobs.result_cache import CachedJob
from harness.technique import Technique, Variant
from harness.workload import Workload


def cached(state: str, workload: Workload) -> Workload:
    return workload.with_job(partial(CachedJob, state=state))


def _in(state: str, says: str) -> Variant:
    return Variant(apply=partial(cached, state), says=says, tolerance=1e-5, needs=("diskcache>=5.6",))


TECHNIQUE = Technique(
    name="result-cache",
    family="caching",
    says="results of inference kept on disk for an hour",
    stage="serving",
    phases=("infer",),
    measures=("time",),
    baseline="uncached",
    variants={
        "uncached": Variant(says="the model answers every request"),
        "cold": _in("cold", "every request is new: looked for, computed, written"),
        "warm": _in("warm", "every request has been answered within the hour"),
        "expired": _in("expired", "every request has been answered, but over an hour ago"),
        "shared": _in("shared", "answered by another process, which goes on reading and writing there"),
    },
)
