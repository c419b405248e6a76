"""Quantizers: what a weight takes in each format, which layers are quantized, and who is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from harness import memory, quantizers, weights
from harness.errors import Unsupported


def layer(width: int = 256, rows: int = 128) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, rows, bias=False))


def bits(model: nn.Module, weights_of: int = 256 * 128) -> float:
    """Bits that each weight takes, with its share of the scales."""
    return 8 * memory.size(weights.of(model)) / weights_of


@pytest.mark.parametrize(
    ("quantize", "expected"),
    [
        (quantizers.dynamic, 8),
        (lambda model: quantizers.rowwise(model, "Int8WeightOnlyConfig"), 8 + 40 / 256),
        (quantizers.int4, 4 + 32 / 128),
        (quantizers.int2, 8 + 24 / 64),
        (quantizers.int2_packed, 2 + 16 / 64),
    ],
    ids=["dynamic", "int8", "int4", "int2", "int2-packed"],
)
def test_a_weight_takes_the_bits_of_its_format(quantize: Callable[[Any], nn.Module], expected: float) -> None:
    assert bits(quantize(layer())) == pytest.approx(expected, abs=0.15)


def test_packing_two_bits_changes_no_result() -> None:
    x = torch.randn(3, 256)
    one, other = quantizers.int2(layer())(x), quantizers.int2_packed(layer())(x)
    assert torch.allclose(one, other, atol=1e-5)
    assert not torch.allclose(one, layer()(x), atol=1e-2)


def test_layers_take_the_largest_group_that_divides_them() -> None:
    sizes: list[int] = []
    model = nn.Sequential(nn.Linear(96, 16), nn.Linear(192, 16), nn.Linear(256, 16), nn.Linear(20, 16))
    found = quantizers.grouped(model, lambda size: sizes.append(size) or _int2(size))
    assert sizes == [128, 64, 32]
    groups = [getattr(one.weight, "block_size", (0, 0))[1] for one in found]  # type: ignore[union-attr]
    assert groups == [32, 64, 128, 0]


def _int2(size: int) -> Any:
    from torchao.quantization import IntxWeightOnlyConfig, PerGroup

    return IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(size))


@pytest.mark.parametrize("quantizer", ["int4", "int2", "int2_packed"])
def test_a_model_without_a_layer_that_fits_is_unsupported(quantizer: str) -> None:
    with pytest.raises(Unsupported, match="multiple of 32"):
        getattr(quantizers, quantizer)(nn.Sequential(nn.Linear(20, 16)))


def test_fp8_says_which_gpu_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
    with pytest.raises(Unsupported, match=r"needs a GPU of compute capability 8\.9"):
        quantizers.rowwise(torch.nn.Linear(64, 64), "Float8WeightOnlyConfig")
