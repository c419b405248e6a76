"""The answers are the model's, from the cache or not as its state says, and nothing is left behind."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from harness import equal, result_cache
from harness.jobs.result_cache import CachedJob
from tests.techniques.conftest import tiny
from tests.techniques.test_contract import process_state

STATES = ("cold", "warm", "expired", "shared")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made; nothing may be left there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.glob("claimbench-*")) == []


def job(state: str, model: str = "bert") -> CachedJob:
    return CachedJob(tiny(model, "infer"), state)


@pytest.mark.parametrize("state", STATES)
def test_every_answer_is_the_models_and_nothing_is_left(state: str) -> None:
    plain, before = tiny("bert", "infer").build(), process_state()
    cached = job(state)
    for _ in range(6):
        assert torch.equal(cached.step(), plain.step())
        found = equal.equality(equal.evidence(plain), equal.evidence(cached), 1e-5)
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
