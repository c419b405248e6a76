"""Quantization: what is stored, what it costs real tasks, and that nothing is set for good."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from harness import benchmark, claims, equal, worker
from harness.errors import Unsupported
from harness.models import digits
from harness.technique import technique, upon
from harness.verdict import CONFIRMED, SHORT
from harness.workload import ModelJob
from tests import handmade as hand
from tests.techniques.conftest import Results, tiny

QUANTIZATION = technique("quantization")
ON_HOSTS = [name for name, one in QUANTIZATION.variants.items() if one.devices != ("cuda",)]
LEDGER = [claim for claim in claims.load() if claim.technique == "quantization"]
DECLARED = [one for one in benchmark.discover().values() if one.applied.name == "quantization"]


def built(name: str, model: str = "wide-gpt2", phase: str = "infer") -> ModelJob:
    job = QUANTIZATION.variant(name).apply(tiny(model, phase)).build()
    assert isinstance(job, ModelJob)
    return job


def test_nf4_says_so_where_no_layer_has_whole_blocks() -> None:
    with pytest.raises(Unsupported, match="64 weights"):
        built("bnb-nf4", "digits")  # Sixteen wide.


def test_gpt2s_own_layers_are_quantized_too() -> None:
    model: Any = built("dynamic-int8").model
    assert "quantized" in type(model.transformer.h[0].mlp.c_fc).__module__


def test_bitsandbytes_keeps_the_head_and_quantizes_scales() -> None:
    model: Any = built("bnb-nf4").model
    assert type(model.lm_head) is nn.Linear
    assert model.transformer.h[0].mlp.c_fc.weight.quant_state.nested


@pytest.mark.parametrize(
    "name", [name for name in ON_HOSTS if name != "fp32" and QUANTIZATION.variant(name).tolerance]
)
def test_generating_text_stays_within_the_tolerance(
    name: str, baseline: Callable[[str, str], Results]
) -> None:
    job = built(name, phase="generate")
    job.step()
    variant = QUANTIZATION.variant(name)
    found = equal.equality(baseline("wide-gpt2", "generate"), equal.evidence(job), variant.tolerance)
    assert found["ok"], found
    assert found["value"] > 1e-4, "nothing has been rounded"
    job.close()


def test_a_real_mistake_is_over_the_tolerance(baseline: Callable[[str, str], Results]) -> None:
    """A scale that is off by two, as when one is applied twice."""
    job = built("int8-weight-only")
    model: Any = job.model
    for block in model.transformer.h:
        block.mlp.c_fc.weight.scale.mul_(2)
        block.attn.c_attn.weight.scale.mul_(2)
    job.step()
    variant = QUANTIZATION.variant("int8-weight-only")
    assert not equal.equality(baseline("wide-gpt2", "infer"), equal.evidence(job), variant.tolerance)["ok"]


def test_two_bits_are_judged_by_their_quality_and_not_called_wrong() -> None:
    cases = hand.group("fp32", "int2", benchmark="quantization", model="minilm", phase="infer")
    spec = {"case": cases[1].as_json(), "benchmarks": "", "seed": 0, "environment": {}}
    declared = benchmark.Benchmark(technique="quantization", quick=[])
    small = worker.Measured(spec, declared)
    assert small.facts()["own_work"]
    small.warm_up(0.0)
    assert small.equality({}) == {}

    def judged(kept: float) -> str:
        launches = hand.graded(cases, {"fp32": [1.0] * 3, "int2": [1 / kept] * 3})
        for launch in launches:
            for record, size in zip(launch["records"], (1600, 100), strict=True):
                record["parameter_bytes"] = size
        return hand.one(hand.run(cases, launches=launches), "int2.compression.001").verdict

    assert (judged(0.95), judged(0.5)) == (CONFIRMED, SHORT)


def test_a_trained_classifier_reads_in_8_bits_what_it_reads_in_32() -> None:
    plain = digits.make(phase="infer")
    model = plain.make_model and plain.make_model()
    assert model is not None

    def accuracy(name: str) -> float:
        again = replace(plain, make_model=lambda: _copy(model))
        job = QUANTIZATION.variant(name).apply(again).build()
        return float(digits.judged(job)["accuracy"])

    exact = accuracy("fp32")
    assert exact > 0.94
    for name in ("bf16", "dynamic-int8", "int8-weight-only", "int8-dynamic", "bnb-int8"):
        assert accuracy(name) == pytest.approx(exact, abs=0.02), name
    assert accuracy("bnb-nf4") > exact - 0.1


def _copy(model: nn.Module) -> nn.Module:
    import copy

    return copy.deepcopy(model)


def test_inductors_settings_are_as_before() -> None:
    from torch._inductor import config

    before = (config.coordinate_descent_tuning, config.triton.unique_kernel_names)
    job = built("int8-weight-only")
    assert config.coordinate_descent_tuning, "as torchao recommends"
    job.close()
    assert (config.coordinate_descent_tuning, config.triton.unique_kernel_names) == before


def test_without_quantize_dynamic_one_variant_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.ao.quantization, "quantize_dynamic")
    with pytest.raises(Unsupported, match="quantize_dynamic is gone"):
        built("dynamic-int8")
    built("int8-weight-only").close()


def test_fp8_is_for_cuda() -> None:
    assert all("cuda" in one.needs for name, one in QUANTIZATION.variants.items() if name.startswith("fp8"))


def test_upon_another_technique_all_variants_have_it_and_the_baseline_too() -> None:
    both = upon(QUANTIZATION, "compile:default", baseline="bf16")
    assert both.name == "quantization"
    assert both.baseline == "bf16+compile:default"
    assert all(one.compiles for one in both.variants.values())
    assert len(both.variants["int8-weight-only+compile:default"].apply(tiny("gpt2", "infer")).edits) == 2


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_each_claim_names_variants_that_are_measured_where_it_is_made(claim: claims.Claim) -> None:
    devices = ("cpu", "cuda") if claim.on == "any" else (claim.on,)
    planned = {
        case.variant
        for one, device, profile in itertools.product(DECLARED, devices, benchmark.PROFILES)
        for group in one.groups(profile, device)
        for case in group
        if case.phase == claim.phase
        and (not claim.models or case.model in claim.models)
        and all(case.parameters.get(key) == value for key, value in claim.where.items())
    }
    assert claim.variants
    assert set(claim.variants) <= planned


def test_against_bf16_every_variant_starts_from_bf16() -> None:
    one = next(one for one in DECLARED if one.name == "quantization-decode")
    assert one.applied.baseline == "bf16"
    job = one.applied.variant("int8-weight-only").apply(tiny("wide-gpt2", "infer")).build()
    assert isinstance(job, ModelJob)
    assert {weight.dtype for weight in job.model.parameters()} == {torch.bfloat16}
    job.step()
    job.close()
