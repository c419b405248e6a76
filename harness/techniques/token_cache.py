"""Token cache: a text that has been tokenized lately is not tokenized again.

What it saves is the share of requests that repeat a text of the last few hundred: a property of the traffic
and the size of the cache, which ``figures`` tells as the hit rate.
"""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def remembering(texts: int, workload: Workload) -> Workload:
    return workload.with_options(token_cache=texts)


def _lru(texts: int) -> Variant:
    return Variant(
        apply=partial(remembering, texts),
        says=f"functools.lru_cache of {texts} texts",
        tolerance=1e-7,
    )


TECHNIQUE = Technique(
    name="token-cache",
    family="caching",
    says="the tokens of texts that came lately kept in memory",
    stage="dataset",
    phases=("load",),
    measures=("time",),
    baseline="uncached",
    variants={
        "uncached": Variant(says="every text tokenized when it comes"),
        "lru-100": _lru(100),
        "lru-1000": _lru(1000),
    },
)
