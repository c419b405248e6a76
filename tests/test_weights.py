"""What a model's weights take, those included that are no parameters."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from harness import memory, weights


def two_layers(bias: bool = True) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(128, 64, bias=bias), nn.ReLU(), nn.Linear(64, 64, bias=bias))


FP32 = 4 * (128 * 64 + 64 * 64)
BIASES = 4 * 2 * 64


def test_plain_layers_and_buffers_count_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))
    model[1].weight = model[0].weight
    assert memory.size(weights.of(model)) == 4 * 16 + 4 * 4 * 4 + 8  # and num_batches_tracked


def test_weights_that_torch_has_packed_are_counted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(two_layers(), {nn.Linear})
    assert list(model.parameters()) == []
    assert memory.size(weights.of(model)) == pytest.approx(FP32 / 4 + BIASES, rel=0.01)


def test_scales_for_each_row_are_counted_too() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = torch.ao.quantization.per_channel_dynamic_qconfig
        model = torch.ao.quantization.quantize_dynamic(two_layers(bias=False), {nn.Linear: rows})
    assert memory.size(weights.of(model)) == pytest.approx(FP32 / 4 + 128 * (8 + 8), rel=0.01)


def test_weights_of_torchao_count_as_they_are_stored() -> None:
    torchao = pytest.importorskip("torchao.quantization")
    model = two_layers()
    torchao.quantize_(model, torchao.Int8WeightOnlyConfig(set_inductor_config=False))
    found = memory.size(weights.of(model))
    assert FP32 / 4 + BIASES + 4 * 128 <= found <= FP32 / 4 + BIASES + 5 * 128


@pytest.mark.parametrize("double", [False, True])
def test_what_bitsandbytes_keeps_beside_a_weight_is_counted(double: bool) -> None:
    bnb = pytest.importorskip("bitsandbytes")
    layer = bnb.nn.Linear4bit(128, 64, bias=False, quant_type="nf4", compress_statistics=double).to("cpu")
    blocks = 128 * 64 // 64
    scales = blocks + 4 + 4 + 256 * 4 if double else 4 * blocks
    assert memory.size(weights.of(layer)) == 128 * 64 // 2 + 16 * 4 + scales


def test_an_int8_layer_of_bitsandbytes_counts_the_same_before_and_after_a_step() -> None:
    bnb = pytest.importorskip("bitsandbytes")
    layer = bnb.nn.Linear8bitLt(128, 64, bias=False, has_fp16_weights=False).to("cpu").eval()
    before = memory.size(weights.of(layer))
    with torch.inference_mode():
        layer(torch.randn(2, 128))
    assert before == memory.size(weights.of(layer)) == 128 * 64 + 4 * 64
