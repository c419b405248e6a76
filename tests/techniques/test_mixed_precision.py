"""Mixed precision: what runs in which type, the scaler; a real mistake would be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from harness import benchmark, claims, equal
from harness.technique import technique
from harness.techniques import mixed_precision
from harness.techniques.mixed_precision import scaled_update
from harness.workload import ModelJob, Workload
from tests.techniques.conftest import Results, first_step, tiny

MIXED = technique("mixed-precision")


def built(name: str, phase: str = "train") -> ModelJob:
    job = MIXED.variant(name).apply(tiny(phase=phase)).build()
    assert isinstance(job, ModelJob)
    return job


@pytest.mark.parametrize(
    ("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
@pytest.mark.parametrize("phase", ["train", "infer"])
def test_layers_compute_in_the_type_and_weights_stay_fp32(name: str, dtype: torch.dtype, phase: str) -> None:
    job = built(name, phase)
    seen = []
    job.model.transformer.h[0].mlp.c_fc.register_forward_hook(lambda *call: seen.append(call[2].dtype))
    job.step()
    assert seen == [dtype]
    kept = {
        kind: {one.dtype for one in tensors} for kind, tensors in job.tensors().items() if kind != "batch"
    }
    assert set.union(*kept.values()) == {torch.float32}
    job.close()


def test_only_training_in_fp16_has_a_scaler(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    scaler = torch.amp.GradScaler
    monkeypatch.setattr(torch.amp, "GradScaler", lambda *a, **k: made.append((a, k)) or scaler(*a, **k))
    for name, phase in (("fp32", "train"), ("bf16", "train"), ("fp16", "infer"), ("fp16", "train")):
        first_step(MIXED.variant(name).apply(tiny(phase=phase)))
    assert made == [(("cpu",), {"init_scale": mixed_precision.INITIAL_SCALE})]


def one_weight() -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
    weight = torch.nn.Parameter(torch.ones(3))
    return weight, torch.optim.SGD([weight], lr=0.5)


def test_the_scaled_update_steps_by_the_true_gradient_and_leaves_it_to_be_seen() -> None:
    weight, optimizer = one_weight()
    scaled_update("cpu")((2 * weight).sum(), optimizer)
    assert weight.grad is not None
    assert weight.grad.tolist() == [2, 2, 2]
    assert weight.tolist() == [0, 0, 0]


def test_a_step_that_overflows_is_skipped_and_the_scale_is_halved() -> None:
    weight, optimizer = one_weight()
    update = scaled_update("cpu")
    update((weight * float("inf")).sum(), optimizer)
    assert weight.tolist() == [1, 1, 1]
    optimizer.zero_grad()
    scales = []
    weight.register_hook(lambda gradient: scales.append(float(gradient[0])))
    update(weight.sum(), optimizer)
    assert scales == [mixed_precision.INITIAL_SCALE / 2]
    assert weight.tolist() == [0.5, 0.5, 0.5]


def unscaled(device: str) -> Callable[..., None]:
    """A mistake that people make: the scaler is forgotten where the gradients are read."""

    def update(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        torch.amp.GradScaler(device).scale(loss).backward()
        optimizer.step()

    return update


def lost_layer(workload: Workload) -> Workload:
    def edit(model: Any) -> Any:
        inner = model.transformer.h[1].forward
        model.transformer.h[1].forward = lambda hidden, *args, **kwargs: inner(
            hidden.detach(), *args, **kwargs
        )
        return model

    return workload.edited(edit)


def half_the_loss(workload: Workload) -> Workload:
    forward = workload.forward
    assert forward
    return replace(workload, forward=lambda model, batch: forward(model, batch) / 2)


@pytest.mark.parametrize("name", ["bf16", "fp16"])
@pytest.mark.parametrize(
    "mistake",
    [lambda workload: replace(workload, make_update=lambda: unscaled("cpu")), lost_layer, half_the_loss],
    ids=["unscaled", "lost layer", "half the loss"],
)
def test_a_real_mistake_is_over_the_tolerance(
    name: str, mistake: Callable[[Workload], Workload], baseline: Callable[[str, str], Results]
) -> None:
    variant = MIXED.variant(name)
    found = first_step(mistake(variant.apply(tiny())))
    judged = equal.equality(baseline("gpt2", "train"), found, variant.tolerance, variant.gradients)
    assert not judged["ok"], judged


def test_the_baseline_on_cuda_rounds_nothing_and_elsewhere_is_the_workload_itself() -> None:
    plain = tiny()
    assert MIXED.variant("fp32").apply(plain) is plain
    on_cuda = MIXED.variant("fp32").apply(replace(plain, device="cuda"))
    (during,) = on_cuda.during
    with during():
        assert torch.backends.cudnn.allow_tf32 is False


def test_tf32_is_planned_on_cuda_only() -> None:
    assert MIXED.variant("tf32").devices == ("cuda",)
    (during,) = MIXED.variant("tf32").apply(replace(tiny(), device="cuda")).during
    with during():
        assert torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("model", ["mlp", "t5"])
@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_what_others_measured_it_on_stays_within_the_tolerance(model: str, name: str) -> None:
    variant = MIXED.variant(name)
    expected, found = first_step(tiny(model)), first_step(variant.apply(tiny(model)))
    assert equal.equality(expected, found, variant.tolerance, variant.gradients)["ok"]


@pytest.mark.parametrize(
    ("claim", "parameters"),
    [
        ("amp.recipe.pytorch", {"batch": 512, "width": 4096}),
        ("amp.t5.hf15026", {"batch": 32, "length": 512}),
        ("tf32.matmul.pytorch", {"width": 10240}),
    ],
)
@pytest.mark.parametrize("profile", ["standard", "full"])
def test_a_claim_of_one_model_is_planned_on_cuda_as_it_was_made(
    claim: str, parameters: dict[str, int], profile: str
) -> None:
    made = next(one for one in claims.load() if one.id == claim)
    declared = benchmark.discover()["mixed-precision"]
    groups = [group for group in declared.groups(profile, "cuda") if group[0].model in made.models]
    assert all(set(made.variants) <= {case.variant for case in group} for group in groups)
    planned = [declared.workload(group[0]).parameters for group in groups]
    assert any(parameters.items() <= found.items() for found in planned), planned
