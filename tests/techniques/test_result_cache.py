"""Each state of the cache is a variant, which needs diskcache; the claim is of the warm one."""

from __future__ import annotations

import pytest

from harness import benchmark
from harness.errors import Unsupported
from harness.jobs.result_cache import CachedJob
from harness.technique import stack, technique
from harness.verdict import CONFIRMED, REVERSED
from tests import handmade as hand
from tests.handmade import one
from tests.techniques.conftest import tiny

CACHE = technique("result-cache")
STATES = [name for name in CACHE.variants if name != CACHE.baseline]


@pytest.mark.parametrize("state", STATES)
def test_each_variant_is_a_job_in_that_state(state: str) -> None:
    job = CACHE.variant(state).apply(tiny("bert", "infer")).build()
    assert isinstance(job, CachedJob)
    job.step()
    assert job.figures()["hit rate"] == (1.0 if state in ("warm", "shared") else 0.0)
    job.close()


def test_what_another_technique_tells_of_the_model_is_told_too() -> None:
    both = stack("pruning:unstructured+result-cache:warm")
    job = both.variant(both.name).apply(tiny("bert", "infer")).build()
    assert isinstance(job, CachedJob)
    assert {*job.figures()} == {"share of zeros", "hit rate"}
    job.close()


def test_a_job_of_another_kind_says_so() -> None:
    plain = benchmark.model("gpt2")(phase="generate", size="tiny")
    with pytest.raises(Unsupported, match="in its own way"):
        CACHE.variant("warm").apply(plain)


def test_it_needs_diskcache_and_all_of_it_says_so() -> None:
    assert {CACHE.variant(state).needs for state in STATES} == {("diskcache>=5.6",)}
    assert CACHE.variant(CACHE.baseline).needs == ()


@pytest.mark.parametrize(("gain", "verdict"), [(20.0, CONFIRMED), (0.5, REVERSED)])
def test_the_claim_is_judged_on_the_warm_cache(gain: float, verdict: str) -> None:
    cases = hand.group(
        "uncached", "cold", "warm", benchmark="result-cache", technique="caching", model="bert", phase="infer"
    )
    steps = [{"uncached": 1.0, "cold": 1.1, "warm": 1 / each} for each in hand.around(gain)]
    assert one(hand.run(cases, launches=hand.timed(cases, steps)), "result-cache.000").verdict == verdict
