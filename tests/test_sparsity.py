"""2:4 on a CPU, as far as it goes without kernels: the pattern, its compressed form, and who is refused."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.sparse import SparseSemiStructuredTensorCUTLASS
from torch.sparse._semi_structured_conversions import sparse_semi_structured_from_dense_cutlass

from harness import memory, sparsity
from harness.benchmark import discover, model
from harness.errors import Unsupported
from harness.needs import missing
from harness.record import Case
from harness.technique import technique
from harness.verdict import CONFIRMED, NOT_MEASURED
from tests import handmade as hand
from tests.handmade import one
from tests.techniques.conftest import tiny


def by_hand(weight: torch.Tensor) -> torch.Tensor:
    """torch's own compressed tensor, made without asking for a GPU."""
    packed, meta = sparse_semi_structured_from_dense_cutlass(weight)
    kind: Any = SparseSemiStructuredTensorCUTLASS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # That it is a prototype.
        found: torch.Tensor = kind(weight.shape, packed, meta, None, None, None)
    return found


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
    monkeypatch.setattr(sparsity, "compressed", by_hand)


def test_the_two_largest_of_four_stay() -> None:
    weight = torch.tensor([[1.0, -4.0, 3.0, 2.0, 0.5, 0.25, -4.0, 1.0]])
    assert sparsity.halve(weight).tolist() == [[0.0, -4.0, 3.0, 0.0, 0.0, 0.0, -4.0, 1.0]]


def test_the_pattern_is_what_the_format_takes_and_half_as_large() -> None:
    weight = sparsity.halve(torch.randn(64, 128).half())
    compressed = by_hand(weight)
    assert torch.equal(sparsity.dense(compressed), weight)
    assert torch.equal(sparsity.dense(weight), weight)
    assert memory.size([compressed]) == pytest.approx(weight.nbytes * (1 / 2 + 1 / 16))


@pytest.mark.usefixtures("gpu")
def test_layers_that_fit_are_compressed_and_the_others_stay() -> None:
    layers = [nn.Linear(64, 32).half(), nn.Linear(64, 10).half(), nn.Linear(48, 32).half()]
    before = [layer.weight.detach().clone() for layer in layers]
    shared = layers[0].weight
    sparsity.compress(layers)
    assert [isinstance(one.weight, SparseSemiStructuredTensorCUTLASS) for one in layers] == [
        True,
        False,
        False,
    ]
    assert torch.equal(sparsity.dense(layers[0].weight), sparsity.halve(before[0].clone()))
    assert torch.equal(shared, before[0]), "an embedding that has the same weights keeps them"
    assert all(torch.equal(one.weight, was) for one, was in zip(layers[1:], before[1:], strict=True))


@pytest.mark.usefixtures("gpu")
def test_no_layer_that_fits_is_said() -> None:
    with pytest.raises(Unsupported, match="no linear layer has rows in multiples of 32 and columns of 64"):
        sparsity.compress([nn.Linear(48, 32)])


def test_an_older_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    with pytest.raises(Unsupported, match=r"need compute capability 8\.0, and this device has 7\.5"):
        sparsity.compress([nn.Linear(64, 32)])


@pytest.mark.parametrize(("there", "kind"), [(True, "CUSPARSELT"), (False, "CUTLASS")])
def test_the_library_is_chosen_by_what_there_is(
    there: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(torch.backends.cusparselt, "is_available", lambda: there)
    for name in ("CUSPARSELT", "CUTLASS"):
        monkeypatch.setattr(
            getattr(torch.sparse, f"SparseSemiStructuredTensor{name}"),
            "from_dense",
            lambda weight, name=name: asked.append(name) or weight,
        )
    sparsity.compressed(torch.zeros(32, 64))
    assert asked == [kind]


@pytest.mark.usefixtures("gpu")
def test_the_technique_compresses_a_model_and_tells_its_zeros() -> None:
    sparse = technique("pruning").variant("2-4-sparse")
    with pytest.raises(Unsupported, match="no linear layer"):
        sparse.apply(tiny("gpt2", "infer")).build()
    plain = model("bert")(phase="infer", size="tiny", width=64)
    built = sparse.apply(plain).build()
    kinds = {type(one.weight) for one in built.model.modules() if isinstance(one, nn.Linear)}  # type: ignore[attr-defined]
    assert SparseSemiStructuredTensorCUTLASS in kinds
    assert {weight.dtype for weight in built.model.parameters()} == {torch.float16}  # type: ignore[attr-defined]
    assert 0.2 < built.figures()["share of zeros"] < 0.5  # type: ignore[attr-defined]
    dense = technique("pruning").variant("dense-fp16").apply(plain).build()
    small, large = (memory.size(one.tensors()["weights"]) for one in (built, dense))
    assert 0.55 * large < small < 0.9 * large


def test_it_is_planned_on_cuda_against_dense_fp16_and_nowhere_else() -> None:
    def planned(device: str) -> list[Case]:
        return [
            case
            for name in ("pruning", "sparse-fp16", "sparse-fp16-speed")
            for profile in ("quick", "standard", "full")
            for group in discover()[name].groups(profile, device)
            for case in group
        ]

    assert "2-4-sparse" not in {case.variant for case in planned("cpu")}
    there = {case.baseline for case in planned("cuda") if case.variant == "2-4-sparse"}
    assert there == {"dense-fp16"}
    assert missing(technique("pruning").variant("2-4-sparse").needs, "cpu") == "needs CUDA"


@pytest.mark.parametrize(("device", "verdict"), [("cuda", CONFIRMED), ("cpu", NOT_MEASURED)])
def test_the_claim_speaks_of_cuda(device: str, verdict: str) -> None:
    cases = hand.group(
        "dense-fp16",
        "2-4-sparse",
        benchmark="sparse-fp16",
        technique="compression",
        phase="infer",
        device=device,
    )
    steps = [{"dense-fp16": 1.0, "2-4-sparse": 1 / each} for each in hand.around(1.4)]
    found = one(hand.run(cases, launches=hand.timed(cases, steps), device=device), "pruning.24.pytorch")
    assert found.verdict == verdict
    assert verdict == CONFIRMED or "claimed for cuda" in found.reason


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", ["bert", "vit", "llama"])
def test_a_models_steps_go_through_the_compressed_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the product that the kernel makes played densely: torch's own dispatch does all the rest."""
    products = []

    def played(weight: Any, given: torch.Tensor, *, bias: Any = None, should_transpose_dense: bool) -> Any:
        products.append(tuple(weight.shape))
        assert should_transpose_dense, "activations times the transposed weight"
        return nn.functional.linear(given, weight.to_dense(), bias)

    monkeypatch.setattr(SparseSemiStructuredTensorCUTLASS, "_mm", played)
    plain = model(name)(phase="infer", size="tiny", width=64)
    built = {
        way: technique("pruning").variant(way).apply(plain).build() for way in ("2-4-sparse", "dense-fp16")
    }
    for layer in built["dense-fp16"].model.modules():  # type: ignore[attr-defined]
        if isinstance(layer, nn.Linear) and not (layer.weight.shape[0] % 32 or layer.weight.shape[1] % 64):
            layer.weight = nn.Parameter(sparsity.halve(layer.weight.detach().clone()))
    found, expected = (one.step().float() for one in built.values())
    assert len(products) > 5
    assert torch.allclose(found, expected, rtol=1e-2, atol=1e-2 * float(expected.abs().max()))
