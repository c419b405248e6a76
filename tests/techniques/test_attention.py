"""Attention: each way runs what it names, in models and alone; other people's packages with theirs played."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch

from harness import equal
from harness.errors import Unsupported
from harness.models.attention import make
from harness.needs import missing
from harness.technique import technique
from harness.workload import Workload
from tests.techniques.conftest import first_step, tiny

ATTENTION = technique("attention")
FUSED = "aten::_scaled_dot_product_flash_attention_for_cpu"


def alone(**given: Any) -> Workload:
    return make(phase="kernel", size="tiny", **given)


def operations(name: str, workload: Workload) -> set[str]:
    """What ran in a step, as the profiler sees it: beneath inference mode too."""
    job = ATTENTION.variant(name).apply(workload).build()
    try:
        with torch.profiler.profile() as profiled:
            job.step()
    finally:
        job.close()
    return {event.key for event in profiled.key_averages()}


@pytest.mark.parametrize("workload", [alone(), alone(backward=True), tiny("bert", "infer"), tiny("gpt2")])
@pytest.mark.parametrize(("name", "fused"), [("eager", 0), ("math", 0), ("flash", 1), ("sdpa", 1)])
def test_it_runs_the_kernel_that_it_names(name: str, fused: int, workload: Workload) -> None:
    assert (FUSED in operations(name, workload)) == bool(fused)


@pytest.mark.parametrize("given", [{}, {"backward": True}, {"causal": True, "backward": True}])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["sdpa", "math", "flash"])
def test_alone_it_gives_the_results_of_the_baseline(name: str, dtype: str, given: dict[str, Any]) -> None:
    variant = ATTENTION.variant(name)
    plain = alone(length=64, dtype=dtype, **given)
    found = equal.equality(first_step(plain), first_step(variant.apply(plain)), variant.tolerance)
    assert found["ok"], found
    assert found["value"] < (1e-5 if dtype == "float32" else 0.01)


@pytest.mark.parametrize("wrong", [{"causal": True}, {"seed": 1}])
def test_another_result_would_be_seen(wrong: dict[str, Any]) -> None:
    variant = ATTENTION.variant("flash")
    found = equal.equality(first_step(alone()), first_step(variant.apply(alone(**wrong))), variant.tolerance)
    assert not found["ok"]


@pytest.mark.parametrize("model", ["llama", "bert", "vit"])
@pytest.mark.parametrize("name", ["eager", "sdpa", "flash"])
def test_every_architecture_takes_it(model: str, name: str) -> None:
    variant = ATTENTION.variant(name)
    plain = tiny(model, "infer")
    assert equal.equality(first_step(plain), first_step(variant.apply(plain)), 1e-5)["ok"]


def test_a_backend_is_allowed_alone_and_all_are_after() -> None:
    before = torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()
    job = ATTENTION.variant("math").apply(alone()).build()
    assert (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()) == (False, True)
    job.close()
    assert (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()) == before


@pytest.mark.parametrize(
    ("name", "given"), [("cudnn", {}), ("memory-efficient", {}), ("flash", {"dropout": 0.1})]
)
def test_a_backend_that_cannot_do_it_is_unsupported(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="torch has no such kernel"):
        first_step(ATTENTION.variant(name).apply(alone(**given)))


def test_a_model_without_attention_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no attention of transformers"):
        ATTENTION.variant("sdpa").apply(tiny("trajectory")).build()
    with pytest.raises(Unsupported):
        ATTENTION.variant("flex").apply(tiny("gpt2")).build()


def played(called: list[dict[str, Any]], gives: Any) -> Any:
    """A package's function: [batch, length, heads, head] in and out."""

    def flash_attn_func(query: Any, key: Any, value: Any, **options: Any) -> Any:
        called.append(options)
        turned = (one.transpose(1, 2) for one in (query, key, value))
        out = torch.nn.functional.scaled_dot_product_attention(*turned, is_causal=options["causal"])
        return gives(out.transpose(1, 2))

    return flash_attn_func


@pytest.mark.parametrize(
    ("name", "module", "gives", "options"),
    [
        ("flash-attn", "flash_attn", lambda out: out, {"dropout_p": 0.0, "causal": True}),
        ("flash-attn-3", "flash_attn_interface", lambda out: out, {"causal": True}),
        ("flash-attn-4", "flash_attn.cute", lambda out: (out, None), {"causal": True}),
    ],
)
def test_a_package_is_called_with_its_own_layout(
    name: str, module: str, gives: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[dict[str, Any]] = []
    for part in ("flash_attn", module):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    monkeypatch.setattr(sys.modules[module], "flash_attn_func", played(called, gives), raising=False)
    plain = alone(causal=True, backward=True)
    found = first_step(ATTENTION.variant(name).apply(plain))
    assert called == [options]
    assert equal.equality(first_step(plain), found, 1e-5)["ok"]


@pytest.mark.parametrize("name", ["flash-attn", "flash-attn-3", "flash-attn-4"])
def test_a_package_that_is_not_there_is_said_with_what_mends_it(name: str) -> None:
    variant = ATTENTION.variant(name)
    assert missing(variant.needs, "cpu") == "needs CUDA"
    assert f"pip install '{name}" in str(missing(variant.needs, "cuda"))
    with pytest.raises(Unsupported, match="measured alone"):
        variant.apply(tiny())
