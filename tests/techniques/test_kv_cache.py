"""A KV cache gives the same text, and the claims of it are read from runs over generated lengths."""

from __future__ import annotations

import pytest
import torch

from harness import benchmark, equal, flops
from harness.models._generate_job import GenerateJob
from harness.technique import technique
from harness.verdict import CONFIRMED, NOT_MEASURED, REVERSED
from tests import handmade as hand
from tests.handmade import one
from tests.techniques.test_contract import process_state

KV = technique("kv-cache")


def built(variant: str, model: str = "gpt2", **given: object) -> GenerateJob:
    plain = benchmark.model(model)(phase="generate", **{"size": "tiny", **given})
    job = KV.variant(variant).apply(plain).build()
    assert isinstance(job, GenerateJob)
    return job


@pytest.mark.parametrize("model", ["gpt2", "llama"])
@pytest.mark.parametrize("variant", ["dynamic", "static"])
def test_the_text_is_the_same(variant: str, model: str) -> None:
    plain, cached = built("off", model, new=6), built(variant, model, new=6)
    assert torch.equal(plain.step(), cached.step())
    found = equal.equality(equal.evidence(plain), equal.evidence(cached), KV.variant(variant).tolerance)
    assert found["ok"], found


def test_without_a_cache_every_token_goes_through_the_model_again() -> None:
    seen: dict[str, list[int]] = {}
    for variant in ("off", "dynamic", "static"):
        job = built(variant, new=3)
        lengths = seen.setdefault(variant, [])
        job.model.register_forward_pre_hook(
            lambda _, __, given, lengths=lengths: lengths.append(given["input_ids"].shape[1]),  # type: ignore[misc]
            with_kwargs=True,
        )
        job.step()
    assert seen == {"off": [16, 17, 18], "dynamic": [16, 1, 1], "static": [16, 1, 1]}


def test_what_is_kept_is_not_computed_so_the_limit_is_that_of_its_own_work() -> None:
    off, dynamic, static = (flops.count(built(variant, new=8)) for variant in ("off", "dynamic", "static"))
    assert off > 2 * max(dynamic, static)
    assert [name for name, variant in KV.variants.items() if not variant.own_work] == ["off"]


def test_a_static_cache_stays_where_it_is() -> None:
    job = built("static")
    job.step()
    before = [tensor.data_ptr() for tensor in job.tensors()["cache"]]
    job.step()
    assert before == [tensor.data_ptr() for tensor in job.tensors()["cache"]] != []


def test_compiled_decoding_gives_the_same_text_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced only: generating the code as well would take half a minute."""
    compile_, modes = torch.compile, []

    def traced(model: torch.nn.Module, mode: str) -> object:
        modes.append(mode)
        return compile_(model, backend="eager")

    monkeypatch.setattr(torch, "compile", traced)
    plain = built("off", new=3)
    expected = plain.step()
    before = process_state()
    job = built("static-compile", new=3)
    assert torch.equal(job.step(), expected)
    job.close()
    assert modes == ["default"]
    assert process_state() == before


def test_on_cuda_the_step_is_a_graph() -> None:
    plain = benchmark.model("gpt2")(phase="generate", device="cuda", size="tiny")
    assert KV.variant("static-compile").apply(plain).options == {
        "cache": "static",
        "compile": "reduce-overhead",
    }


def lengths(gains: dict[int, float], device: str = "cpu") -> hand.HandRun:
    """Speedups of ``dynamic`` by generated length."""
    groups, launches = [], []
    for new, gain in gains.items():
        cases = hand.group(
            "off", "dynamic", "static-compile", benchmark="kv-cache", technique="caching",
            phase="generate", device=device, new=new,
        )  # fmt: skip
        groups.append(cases)
        steps = [
            {"off": 1.0, "dynamic": 1 / each, "static-compile": 0.5 / each} for each in hand.around(gain)
        ]
        launches += hand.timed(cases, steps)
    return hand.run(*groups, launches=launches)


def test_a_gain_that_grows_with_the_length_confirms_the_claim() -> None:
    found = one(lengths({4: 1.5, 16: 3.0}), "kv-cache.001")
    assert found.verdict == CONFIRMED
    assert "speedup by generated tokens: 1.5x at 4, 3x at 16" in found.reason


def test_a_gain_that_shrinks_denies_it_and_one_length_says_nothing() -> None:
    assert one(lengths({4: 3.0, 16: 1.5}), "kv-cache.001").verdict == REVERSED
    assert one(lengths({4: 3.0}), "kv-cache.001").verdict == NOT_MEASURED


def test_compiled_decoding_is_held_against_the_dynamic_cache_and_only_on_cuda() -> None:
    found = one(lengths({4: 3.0}, "cuda"), "static-cache.hf")
    assert found.verdict == CONFIRMED
    assert found.found is not None
    assert found.found.value.point == pytest.approx(2.0)
    assert one(lengths({4: 3.0}), "static-cache.hf").verdict == NOT_MEASURED
