"""Checkpointing: which layers are computed twice, what is held meanwhile, and what cannot be checkpointed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from harness import benchmark, equal
from harness.errors import Unsupported
from harness.memory import HostReader
from harness.technique import technique
from harness.techniques.checkpointing import segments, stacks
from harness.workload import ModelJob, Workload
from tests.techniques.conftest import first_step, tiny

CHECKPOINTING = technique("checkpointing")


def gpt2(layers: int, **given: Any) -> Workload:
    return benchmark.model("gpt2")(phase="train", size="tiny", layers=layers, **given)


def job_of(variant: str, workload: Workload) -> ModelJob:
    job = CHECKPOINTING.variant(variant).apply(workload).build()
    assert isinstance(job, ModelJob)
    return job


@pytest.mark.parametrize(
    ("model", "counts"),
    [("gpt2", [2]), ("llama", [2]), ("bert", [2]), ("vit", [2]), ("resnet", [4]), ("digits", [1])],
)
def test_the_repeated_layers_are_found(model: str, counts: list[int]) -> None:
    built = tiny(model).build()
    assert isinstance(built, ModelJob)
    assert [len(stack) for stack in stacks(built.model)] == counts


def test_layers_inside_layers_are_not_layers_of_their_own() -> None:
    inner = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(8))
    experts = torch.nn.ModuleDict({"experts": inner})
    assert [len(one) for one in stacks(torch.nn.Sequential(torch.nn.ModuleList([experts, experts])))] == [2]


@pytest.mark.parametrize(
    ("variant", "twice"),
    [
        ("none", [1, 1, 1, 1, 1]),
        ("full", [2, 2, 2, 2, 2]),
        ("torch", [2, 2, 2, 2, 2]),
        ("every-2nd", [2, 1, 2, 1, 2]),
        ("sqrt", [2, 2, 2, 2, 2]),
        ("selective", [2, 2, 2, 2, 2]),
    ],
)
def test_which_layers_are_computed_twice(variant: str, twice: list[int]) -> None:
    job = job_of(variant, gpt2(layers=5))
    calls = [0] * 5
    for number, layer in enumerate(job.model.transformer.h):
        layer.ln_1.register_forward_pre_hook(
            lambda *_, number=number: calls.__setitem__(number, calls[number] + 1)
        )
    job.step()
    assert calls == twice


@pytest.mark.parametrize(
    ("layers", "sizes"), [(1, [1]), (2, [1, 1]), (4, [2, 2]), (5, [2, 2, 1]), (9, [3, 3, 3])]
)
def test_a_segment_is_as_long_as_there_are_segments(
    layers: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[int] = []
    monkeypatch.setattr("harness.techniques.checkpointing.join", lambda segment: joined.append(len(segment)))
    segments(torch.nn.Sequential(torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(layers))))
    assert joined == sizes


def test_each_way_holds_less_the_more_it_computes_again() -> None:
    """Of 9 layers: all, half and a few tensors of each, three layers' insides, one layer's."""
    workload = gpt2(layers=9, batch=4, length=64)
    peak = {}
    for name in CHECKPOINTING.variants:
        job = job_of(name, workload)
        job.step()
        peak[name] = HostReader().measure(job)["peak"]
    assert peak["none"] > peak["every-2nd"] > peak["sqrt"] > peak["full"]
    assert peak["none"] > peak["selective"] > peak["full"]
    assert peak["full"] == pytest.approx(peak["torch"], rel=0.02)
    assert peak["full"] < peak["none"] / 2


def test_parameters_keep_their_names() -> None:
    plain = {name for name, _ in job_of("none", tiny()).model.named_parameters()}
    for name in CHECKPOINTING.variants:
        assert {name for name, _ in job_of(name, tiny()).model.named_parameters()} == plain


class Layered(torch.nn.Module):
    """Two layers with dropout, whose draw has to be repeated for gradients to be right."""

    def __init__(self, layers: int = 4) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Dropout(0.5), torch.nn.Tanh())
            for _ in range(layers)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Tuples(Layered):
    def __init__(self) -> None:
        super().__init__()
        for layer in self.layers:
            inner = layer.forward
            layer.forward = lambda x, inner=inner: (inner(x),)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            (x,) = layer(x)
        return x


def own(model: type[torch.nn.Module]) -> Workload:
    return Workload(
        model="own",
        phase="train",
        samples=8,
        make_model=model,
        make_batches=lambda: [{"x": torch.randn(8, 16)}],
        forward=lambda model, batch: model(batch["x"]).square().mean(),
    )


@pytest.mark.parametrize("name", ["torch", "every-2nd", "sqrt", "selective"])
def test_dropout_draws_the_same_again(name: str) -> None:
    expected = first_step(own(Layered))
    found = first_step(CHECKPOINTING.variant(name).apply(own(Layered)))
    assert equal.equality(expected, found, 1e-6)["ok"]


@pytest.mark.parametrize("name", ["torch", "every-2nd", "selective"])
def test_layers_that_return_tuples_are_checkpointed_one_by_one(name: str) -> None:
    found = first_step(CHECKPOINTING.variant(name).apply(own(Tuples)))
    assert equal.equality(first_step(own(Tuples)), found, 1e-6)["ok"]


def test_layers_that_return_tuples_cannot_be_joined_and_that_is_said() -> None:
    with pytest.raises(Unsupported, match="needs layers that return one tensor: pip install"):
        first_step(CHECKPOINTING.variant("sqrt").apply(own(Tuples)))


@pytest.mark.parametrize("name", ["torch", "every-2nd", "sqrt", "selective"])
def test_a_model_without_layers_is_unsupported(name: str) -> None:
    with pytest.raises(Unsupported, match="Linear has no repeated layers"):
        CHECKPOINTING.variant(name).apply(own(lambda: torch.nn.Linear(16, 16))).build()  # type: ignore[arg-type]


def test_a_model_without_the_switch_of_transformers_is_unsupported() -> None:
    with pytest.raises(Unsupported, match=r"ResNetForImageClassification has no .*; see variant torch"):
        job_of("full", tiny("resnet"))


def test_the_switch_has_an_older_name_too() -> None:
    """Before transformers 5; that one is for good, and not only until the end of a job."""

    class Older(Layered):
        supports_gradient_checkpointing = True

        def gradient_checkpointing_enable(self, options: dict[str, bool]) -> None:
            self.options = options

    job = job_of("full", own(Older))
    assert job.model.options == {"use_reentrant": False}


def test_a_mistake_in_computing_again_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the draw kept, dropout drops others the second time: the gradients are of another function."""
    from torch.utils import checkpoint

    right = checkpoint.checkpoint
    monkeypatch.setattr(
        checkpoint, "checkpoint", lambda *a, **k: right(*a, **{**k, "preserve_rng_state": False})
    )
    variant = CHECKPOINTING.variant("torch")
    expected = first_step(own(Layered))
    assert not equal.equality(expected, first_step(variant.apply(own(Layered))), variant.tolerance)["ok"]


def test_it_is_for_training() -> None:
    assert CHECKPOINTING.phases == ("train",)
    assert replace(tiny(), phase="train").edits == ()
