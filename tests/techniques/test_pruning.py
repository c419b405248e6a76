"""Pruned layers hold the zeros they say, and only what is cut out is smaller."""

from __future__ import annotations

import pytest
import torch

from harness.benchmark import model
from harness.errors import Unsupported
from harness.technique import stack, technique
from harness.workload import ModelJob
from tests.techniques.conftest import tiny

PRUNING = technique("pruning")


def job(variant: str, phase: str = "infer") -> ModelJob:
    built = PRUNING.variant(variant).apply(model("digits")(phase=phase, size="tiny")).build()
    assert isinstance(built, ModelJob)
    return built


def matrices(built: ModelJob) -> list[torch.Tensor]:
    found = [one.weight.detach() for one in built.model.modules() if isinstance(one, torch.nn.Linear)]
    assert found
    return found


@pytest.mark.parametrize("variant", ["unstructured", "2-4-zeros"])
def test_half_of_each_matrix_is_zero_and_as_large_as_before(variant: str) -> None:
    dense, pruned = job("dense"), job(variant)
    for before, after in zip(matrices(dense), matrices(pruned), strict=True):
        assert int((after == 0).sum()) == after.numel() // 2
        kept = after != 0
        assert torch.equal(after[kept], before[kept])
    assert pruned.figures()["share of zeros"] > 0.4  # type: ignore[attr-defined]
    sizes = [sum(w.nbytes for w in one.tensors()["weights"]) for one in (dense, pruned)]
    assert sizes[0] == sizes[1], "zeros save nothing"


def test_every_four_in_a_row_keep_two() -> None:
    for weight in matrices(job("2-4-zeros")):
        assert ((weight.view(-1, 4) != 0).sum(1) == 2).all()


def test_structured_pruning_leaves_smaller_layers() -> None:
    dense, pruned = job("dense"), job("structured")
    shapes = {tuple(weight.shape) for weight in matrices(pruned)}
    assert {(32, 16), (16, 32)} <= shapes
    assert not {(64, 16), (16, 64)} & shapes
    assert pruned.step().shape == dense.step().shape


def test_cutting_a_unit_that_does_nothing_changes_nothing() -> None:
    plain = model("digits")(phase="infer", size="tiny")

    def silence(network: torch.nn.Module) -> torch.nn.Module:
        for module in network.modules():
            if hasattr(module, "fc1"):
                module.fc1.weight.data[::2] = 0
                module.fc1.bias.data[::2] = 0
        return network

    silenced = plain.edited(silence)
    expected = silenced.build().step()
    found = PRUNING.variant("structured").apply(silenced).build().step()
    assert torch.allclose(found, expected, atol=1e-5)


def test_gradual_pruning_rises_to_its_share_while_it_trains() -> None:
    built = job("gradual", "train")
    shares = []
    for _ in range(101):
        built.step()
        shares.append(built.figures()["share of zeros"])  # type: ignore[attr-defined]
    assert shares[0] < shares[20] < shares[100]
    assert all(int((one == 0).sum()) == one.numel() // 2 for one in matrices(built))


def test_a_model_without_such_layers_says_so() -> None:
    with pytest.raises(Unsupported, match="feed-forward"):
        PRUNING.variant("structured").apply(tiny("resnet", "infer")).build()


@pytest.mark.parametrize(
    "other", ["mixed-precision:fp16", "optimizer:loop", "accumulation:accumulate-2", "checkpointing:full"]
)
def test_gradual_pruning_is_kept_when_another_technique_changes_the_update(other: str) -> None:
    both = stack(f"pruning:gradual+{other}")
    built = both.variant(both.name).apply(model("digits")(phase="train", size="tiny")).build()
    assert isinstance(built, ModelJob)
    for _ in range(20):
        built.step()
    built.close()
    for weight in matrices(built):
        share = float((weight == 0).float().mean())
        assert share == pytest.approx(0.5 * (1 - 0.8**3), abs=0.01)
