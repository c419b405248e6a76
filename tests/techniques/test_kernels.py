"""The small techniques on kernels and memory formats: what each changes, and that nothing else does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch

from harness import equal
from harness.errors import Unsupported
from harness.technique import technique
from harness.techniques import empty_cache_steps, liger
from harness.update import plain_update
from harness.workload import ModelJob
from tests.techniques.conftest import first_step, tiny


def built(spelling: str, model: str = "gpt2", phase: str = "train") -> ModelJob:
    name, _, variant = spelling.partition(":")
    job = technique(name).variant(variant).apply(tiny(model, phase)).build()
    assert isinstance(job, ModelJob)
    return job


@pytest.mark.parametrize("phase", ["train", "infer"])
def test_channels_last_reaches_the_last_convolution(phase: str) -> None:
    job = built("channels-last:nhwc", "resnet", phase)
    convolutions = [module for module in job.model.modules() if isinstance(module, torch.nn.Conv2d)]
    seen: list[bool] = []
    convolutions[-1].register_forward_hook(
        lambda *call: seen.append(call[2].is_contiguous(memory_format=torch.channels_last))
    )
    job.step()
    assert seen == [True]
    variant = technique("channels-last").variant("nhwc")
    plain, changed = first_step(tiny("resnet", phase)), first_step(variant.apply(tiny("resnet", phase)))
    assert equal.equality(plain, changed, variant.tolerance, variant.gradients)["ok"]


@pytest.mark.parametrize("name", ["highest", "high", "medium"])
def test_the_precision_holds_while_the_job_lives(name: str) -> None:
    before = torch.get_float32_matmul_precision()
    job = built(f"matmul-precision:{name}", "bert", "infer")
    assert torch.get_float32_matmul_precision() == name
    job.close()
    assert torch.get_float32_matmul_precision() == before


def test_the_cache_is_emptied_before_the_backward_of_every_nth_step(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: events.append("emptied"))

    def update(loss: torch.Tensor, optimizer: torch.optim.Optimizer, step: bool = True) -> None:
        events.append("update" if step else "backward")
        plain_update(loss, optimizer, step)

    weight = torch.nn.Parameter(torch.ones(1))
    step = empty_cache_steps.emptying(lambda: update, 2)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    step(weight.sum(), optimizer, step=False)
    for _ in range(3):
        step(weight.sum(), optimizer)
    assert events == ["emptied", "backward", "emptied", "update", "update", "emptied", "update"]


def test_liger_is_for_llama_and_leaves_transformers_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.llama import modeling_llama as llama

    before, given = llama.apply_rotary_pos_emb, []

    def play(model: Any, **chosen: bool) -> None:
        llama.apply_rotary_pos_emb = lambda *a, **k: before(*a, **k)
        given.append((model.config.model_type, chosen))

    _played(monkeypatch, play)
    job = built("liger:liger-loss", "llama")
    assert llama.apply_rotary_pos_emb is not before
    job.close()
    assert llama.apply_rotary_pos_emb is before
    assert given == [("llama", {"rope": False, "rms_norm": False, "swiglu": False})]
    with pytest.raises(Unsupported, match="applied to Llama here, not to gpt2"):
        liger.with_kernels(built("optimizer:loop").model)


def _played(monkeypatch: pytest.MonkeyPatch, apply: Any) -> None:
    import sys
    from types import ModuleType

    names: Iterable[str] = ("liger_kernel", "liger_kernel.transformers")
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(
        sys.modules["liger_kernel.transformers"], "apply_liger_kernel_to_llama", apply, raising=False
    )
