"""The small techniques on kernels and memory formats: what each changes, and that nothing else does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch

from harness import equal
from harness.errors import Unsupported
from harness.memory import resident
from harness.models import gpt2
from harness.models._quality import WARM_UP, final_loss
from harness.models.gpt2 import STEPS
from harness.technique import technique
from harness.techniques import empty_cache_steps, liger
from harness.workload import ModelJob, plain_update
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


def weights(job: ModelJob, steps: int = 3) -> torch.Tensor:
    for _ in range(steps):
        job.step()
    return torch.cat([one.detach().reshape(-1) for one in job.model.parameters()])


@pytest.mark.parametrize("name", ["foreach", "fused"])
def test_each_adamw_makes_the_same_updates(name: str) -> None:
    torch.testing.assert_close(weights(built(f"optimizer:{name}")), weights(built("optimizer:loop")))


def test_the_baseline_is_the_workloads_own_adamw() -> None:
    plain = tiny().build()
    assert isinstance(plain, ModelJob)
    torch.testing.assert_close(weights(plain), weights(built("optimizer:loop")))


def state_bytes(name: str) -> int:
    variant = technique("optimizer").variant(name)
    job = variant.apply(gpt2.make(phase="train", size="tiny", width=128, batch=1)).build()
    job.step()
    return resident(job, "cpu")[0]["optimizer"]


def test_smaller_states_are_smaller() -> None:
    pytest.importorskip("bitsandbytes")
    full, eight, factored = (state_bytes(name) for name in ("loop", "8-bit", "adafactor"))
    assert eight < 0.35 * full
    assert factored < 0.1 * full


def test_adafactor_has_its_own_rate_and_arrives_where_adamw_does() -> None:
    plain = gpt2.make(phase="train", task="converge")
    rate = technique("optimizer").variant("adafactor").apply(gpt2.make(phase="train", size="tiny")).build()
    assert rate.optimizer.param_groups[0]["lr"] == 0.01  # type: ignore[attr-defined]
    jobs = [technique("optimizer").variant(name).apply(plain).build() for name in ("loop", "adafactor")]
    adamw, factored = (final_loss(job, steps=100)["value"] for job in jobs)
    assert factored < 1.2 * adamw  # At AdamW's rate 1.5 times as much.


@pytest.mark.parametrize(("name", "peak"), [("foreach", 1e-3), ("adafactor", 1e-2)])
def test_an_optimizer_follows_the_workloads_schedule(name: str, peak: float) -> None:
    plain = gpt2.make(phase="train", size="tiny", task="converge")
    job = technique("optimizer").variant(name).apply(plain).build()
    assert isinstance(job, ModelJob)
    assert job.optimizer is not None
    rates = []
    for _ in range(3):
        job.step()
        rates.append(job.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([peak * (taken / STEPS + 0.005) / WARM_UP for taken in range(3)])


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
