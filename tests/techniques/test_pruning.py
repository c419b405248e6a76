"""The share of zeros is told beside what they save, which is nothing, and other techniques leave it so."""

from __future__ import annotations

import pytest
import torch

from harness.benchmark import model
from harness.technique import stack, technique
from harness.workload import ModelJob, Workload

PRUNING = technique("pruning")


def digits(phase: str = "infer") -> Workload:
    return model("digits")(phase=phase, size="tiny")


def job(variant: str, phase: str = "infer") -> ModelJob:
    return built(PRUNING.variant(variant).apply(digits(phase)))


def built(workload: Workload) -> ModelJob:
    made = workload.build()
    assert isinstance(made, ModelJob)
    return made


def matrices(of: ModelJob) -> list[torch.Tensor]:
    found = [one.weight.detach() for one in of.model.modules() if isinstance(one, torch.nn.Linear)]
    assert found
    return found


@pytest.mark.parametrize("variant", ["unstructured", "2-4-zeros"])
def test_zeros_are_told_and_as_large_as_before(variant: str) -> None:
    dense, pruned = job("dense"), job(variant)
    assert float(pruned.figures()["share of zeros"]) > 0.4
    sizes = [sum(w.nbytes for w in one.tensors()["weights"]) for one in (dense, pruned)]
    assert sizes[0] == sizes[1], "zeros save nothing"


def test_what_is_cut_out_is_smaller_and_no_zeros() -> None:
    dense, pruned = job("dense"), job("structured")
    assert float(pruned.figures()["share of zeros"]) < 0.1
    sizes = [sum(w.nbytes for w in one.tensors()["weights"]) for one in (dense, pruned)]
    assert sizes[1] < 0.8 * sizes[0]


def test_gradual_pruning_rises_to_its_share_while_it_trains() -> None:
    pruned = job("gradual", "train")
    shares = []
    for _ in range(101):
        pruned.step()
        shares.append(float(pruned.figures()["share of zeros"]))
    assert shares[0] < shares[20] < shares[100]
    assert all(int((one == 0).sum()) == one.numel() // 2 for one in matrices(pruned))


@pytest.mark.parametrize(
    "other", ["mixed-precision:fp16", "optimizer:loop", "accumulation:accumulate-2", "checkpointing:full"]
)
def test_gradual_pruning_is_kept_and_told_when_another_technique_changes_the_update(other: str) -> None:
    both = stack(f"pruning:gradual+{other}")
    pruned = built(both.variant(both.name).apply(digits("train")))
    for _ in range(20):
        pruned.step()
    pruned.close()
    for weight in matrices(pruned):
        share = float((weight == 0).float().mean())
        assert share == pytest.approx(0.5 * (1 - 0.8**3), abs=0.01)
    assert float(pruned.figures()["share of zeros"]) > 0.1
