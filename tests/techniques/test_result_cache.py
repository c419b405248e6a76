"""A result cache gives the model's results, hits and misses as its state says, and leaves nothing behind."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from harness import benchmark, equal, result_cache
from harness.errors import Unsupported
from harness.technique import technique
from harness.techniques.result_cache import CachedJob
from harness.verdict import CONFIRMED, REVERSED
from tests import handmade as hand
from tests.handmade import one
from tests.techniques.conftest import tiny
from tests.techniques.test_contract import process_state

CACHE = technique("result-cache")
STATES = [name for name in CACHE.variants if name != CACHE.baseline]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made; nothing may be left there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.glob("claimbench-*")) == []


def job(state: str, model: str = "bert") -> CachedJob:
    made = CACHE.variant(state).apply(tiny(model, "infer")).build()
    assert isinstance(made, CachedJob)
    return made


@pytest.mark.parametrize("state", STATES)
def test_every_answer_is_the_models_and_nothing_is_left(state: str) -> None:
    plain, before = tiny("bert", "infer").build(), process_state()
    cached = job(state)
    for _ in range(6):
        assert torch.equal(cached.step(), plain.step())
        found = equal.equality(equal.evidence(plain), equal.evidence(cached), CACHE.variant(state).tolerance)
        assert found["ok"], found
    cached.close()
    assert process_state() == before


@pytest.mark.parametrize(
    ("state", "computed", "rate"),
    [("cold", 6, 0.0), ("warm", 0, 1.0), ("expired", 6, 0.0), ("shared", 0, 1.0)],
)
def test_the_model_computes_what_is_not_found(state: str, computed: int, rate: float) -> None:
    cached, seen = job(state), []
    cached.model.register_forward_hook(lambda *_: seen.append(1))
    for _ in range(6):
        cached.step()
    assert len(seen) == computed
    assert cached.figures()["hit rate"] == rate
    assert len(cached.cache) == (6 if state == "cold" else len(cached.batches))
    cached.close()


def test_results_hold_for_an_hour_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    cached, clock, rates = job("warm"), SimpleNamespace(now=time.time()), []
    monkeypatch.setattr("diskcache.core.time", SimpleNamespace(time=lambda: clock.now, sleep=time.sleep))
    for passed in (0.0, result_cache.LIFETIME - 60, 61.0, 0.0):
        clock.now += passed
        cached.hits = cached.misses = 0
        for _ in cached.batches:
            cached.step()
        rates.append(cached.figures()["hit rate"])
    cached.close()
    assert rates == [1.0, 1.0, 0.0, 1.0], "what had expired is computed once and holds again"


def test_what_has_expired_is_there_and_still_is_no_answer() -> None:
    cached = job("expired")
    for _ in range(3):
        assert cached.cache.get(cached._key()) is None
        assert len(cached.cache) == len(cached.batches)
        cached.step()
    cached.close()


def test_another_process_works_in_the_same_folder_meanwhile() -> None:
    cached = job("shared")
    assert cached._neighbour
    for _ in range(200):
        cached.step()
        if cached.figures()["turns of the other"]:
            break
        time.sleep(0.05)
    assert cached.figures()["turns of the other"] >= 1
    assert cached.misses == 0
    cached.close()


def test_requests_differ_by_what_they_hold() -> None:
    cached = job("warm")
    keys = []
    for _ in cached.batches:
        keys.append(cached._key())
        cached.step()
    assert len({*keys}) == len(keys)
    assert cached._key() == keys[0], "and the same request again is the same"
    cached.close()


def test_what_fails_while_it_fills_leaves_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CachedJob, "_computed", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        job("shared")


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
