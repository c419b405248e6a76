"""Checkpointed layers: which they are, that what is drawn is drawn again, and what cannot be checkpointed."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from harness import equal
from harness import gradient_checkpoints as checkpoints
from harness.errors import Unsupported
from harness.technique import technique
from harness.workload import Edit, ModelJob, Workload
from tests.techniques.conftest import first_step, tiny

ALONE = [checkpoints.each, partial(checkpoints.each, every=2), checkpoints.selective]
WAYS = [*ALONE, checkpoints.segments]
NAMES = ["each", "every-2nd", "selective", "segments"]


@pytest.mark.parametrize(
    ("model", "counts"),
    [("gpt2", [2]), ("llama", [2]), ("bert", [2]), ("vit", [2]), ("resnet", [4]), ("digits", [1])],
)
def test_the_repeated_layers_are_found(model: str, counts: list[int]) -> None:
    built = tiny(model).build()
    assert isinstance(built, ModelJob)
    assert [len(stack) for stack in checkpoints.stacks(built.model)] == counts


def test_layers_inside_layers_are_not_layers_of_their_own() -> None:
    inner = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(8))
    experts = torch.nn.ModuleDict({"experts": inner})
    found = checkpoints.stacks(torch.nn.Sequential(torch.nn.ModuleList([experts, experts])))
    assert [len(one) for one in found] == [2]


@pytest.mark.parametrize(
    ("layers", "sizes"), [(1, [1]), (2, [1, 1]), (4, [2, 2]), (5, [2, 2, 1]), (9, [3, 3, 3])]
)
def test_a_segment_is_as_long_as_there_are_segments(
    layers: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[int] = []
    monkeypatch.setattr(checkpoints, "join", lambda segment: joined.append(len(segment)))
    stack = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(layers))
    checkpoints.segments(torch.nn.Sequential(stack))
    assert joined == sizes


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


@pytest.mark.parametrize("edit", WAYS, ids=NAMES)
def test_dropout_draws_the_same_again(edit: Edit) -> None:
    expected = first_step(own(Layered))
    found = first_step(own(Layered).edited(edit))
    assert equal.equality(expected, found, 1e-6)["ok"]


@pytest.mark.parametrize("edit", ALONE, ids=NAMES[:-1])
def test_layers_that_return_tuples_are_checkpointed_one_by_one(edit: Edit) -> None:
    found = first_step(own(Tuples).edited(edit))
    assert equal.equality(first_step(own(Tuples)), found, 1e-6)["ok"]


def test_layers_that_return_tuples_cannot_be_joined_and_that_is_said() -> None:
    with pytest.raises(Unsupported, match="needs layers that return one tensor: pip install"):
        first_step(own(Tuples).edited(checkpoints.segments))


@pytest.mark.parametrize("edit", WAYS, ids=NAMES)
def test_a_model_without_layers_is_unsupported(edit: Edit) -> None:
    with pytest.raises(Unsupported, match="Linear has no repeated layers"):
        own(lambda: torch.nn.Linear(16, 16)).edited(edit).build()  # type: ignore[arg-type]


def test_a_model_without_the_switch_of_transformers_is_unsupported() -> None:
    with pytest.raises(Unsupported, match=r"ResNetForImageClassification has no .*; see variant torch"):
        tiny("resnet").edited(checkpoints.by_transformers).build()


def test_the_switch_has_an_older_name_too() -> None:
    """Before transformers 5; that one is for good, and not only until the end of a job."""

    class Older(Layered):
        supports_gradient_checkpointing = True

        def gradient_checkpointing_enable(self, options: dict[str, bool]) -> None:
            self.options = options

    job = own(Older).edited(checkpoints.by_transformers).build()
    assert isinstance(job, ModelJob)
    assert job.model.options == {"use_reentrant": False}


def test_a_mistake_in_computing_again_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the draw kept, dropout drops others the second time: the gradients are of another function."""
    from torch.utils import checkpoint

    right = checkpoint.checkpoint
    monkeypatch.setattr(
        checkpoint, "checkpoint", lambda *a, **k: right(*a, **{**k, "preserve_rng_state": False})
    )
    variant = technique("checkpointing").variant("torch")
    expected = first_step(own(Layered))
    assert not equal.equality(expected, first_step(variant.apply(own(Layered))), variant.tolerance)["ok"]
