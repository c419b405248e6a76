"""How a model's linear layers are quantized, by each library. Imports torch: only an edit loads it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from harness.errors import Unsupported

#: Weights that share a scale, the most that fit a layer's width: torchao's default first.
GROUPS = (128, 64, 32)
#: What bitsandbytes quantizes at once to NF4, and the rows that its kernel for hosts takes at once.
BLOCK, ROWS = 64, 32
#: The compute capability from which on CUDA multiplies fp8.
FP8 = (8, 9)
#: Of Inductor's settings those that torchao recommends, and sets for the whole process.
RECOMMENDED = (
    "coordinate_descent_tuning",
    "coordinate_descent_check_all_directions",
    "force_fuse_int_mm_with_mul",
    "fx_graph_cache",
    "triton.unique_kernel_names",
)


@contextlib.contextmanager
def settings() -> Iterator[None]:
    """Inductor's settings as they were, on exit."""
    from torch._inductor import config

    before = {name: _setting(config, name) for name in RECOMMENDED}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(_owner(config, name), name.rpartition(".")[2], value)


def _owner(config: Any, name: str) -> Any:
    return getattr(config, name.rpartition(".")[0]) if "." in name else config


def _setting(config: Any, name: str) -> Any:
    return getattr(_owner(config, name), name.rpartition(".")[2])


def linears(model: nn.Module) -> nn.Module:
    """GPT-2's Conv1D as the linear layers that they are: what looks for those would pass them by."""
    from transformers.pytorch_utils import Conv1D

    for name, layer in list(model.named_modules()):
        if isinstance(layer, Conv1D):
            plain = nn.Linear(layer.nx, layer.nf, device="meta")
            plain.weight = nn.Parameter(layer.weight.detach().T.contiguous())
            plain.bias = layer.bias
            model.set_submodule(name, plain)
    return model


def dynamic(model: nn.Module) -> nn.Module:
    """torch's own int8: one scale for a weight, one for each activation as it comes. For hosts alone.

    Deprecated, so that it may be gone from a later torch.
    """
    quantize = getattr(getattr(torch.ao, "quantization", None), "quantize_dynamic", None)
    if quantize is None:
        raise Unsupported("torch.ao.quantization.quantize_dynamic is gone: pip install 'torch<=2.13'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: nn.Module = quantize(linears(model), {nn.Linear}, dtype=torch.qint8, inplace=True)
    return found


def bf16(model: nn.Module) -> nn.Module:
    return model.to(torch.bfloat16)


def rowwise(model: nn.Module, config: str) -> nn.Module:
    """torchao's config of that name as it comes: a scale for each row of a weight."""
    import torchao.quantization

    if config.startswith("Float8") and torch.cuda.get_device_capability() < FP8:
        raise Unsupported("fp8 needs a GPU of compute capability 8.9 or above, such as an L4 or an H100")
    torchao.quantization.quantize_(linears(model), getattr(torchao.quantization, config)())
    return model


def grouped(
    model: nn.Module, config: Callable[[int], Any], groups: tuple[int, ...] = GROUPS, rows: int = 1
) -> nn.Module:
    """torchao with a scale for each group of weights in a row. Layers that no group divides stay as they are.

    Raises Unsupported if that is all of them.
    """
    from torchao.quantization import quantize_

    model = linears(model)
    sizes = {
        layer: next((size for size in groups if layer.in_features % size == 0), 0)
        for layer in model.modules()
        if isinstance(layer, nn.Linear) and layer.out_features % rows == 0
    }
    if not any(sizes.values()):
        raise Unsupported(f"no linear layer is as wide as a multiple of {groups[-1]}")
    for size in groups:
        quantize_(model, config(size), lambda layer, _, size=size: sizes.get(layer) == size)
    return model


def int4(model: nn.Module) -> nn.Module:
    """4 bits with a scale and a zero for each group, multiplied in bf16, for which the kernels are made."""
    from torchao.quantization import Int4WeightOnlyConfig

    model = model.to(torch.bfloat16)
    if next(model.parameters()).device.type == "cuda":
        return grouped(
            model, lambda size: Int4WeightOnlyConfig(group_size=size, int4_packing_format="tile_packed_to_4d")
        )
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig

    # Sixteen rows at once: what torch's kernel for hosts asks.
    return grouped(model, lambda size: PrototypeInt4WeightOnlyConfig(group_size=size), rows=16)


def int2(model: nn.Module) -> nn.Module:
    """2 bits by half-quadratic quantization (Badri and Shaji 2023), which torchao stores in 8."""
    from torchao.quantization import IntxWeightOnlyConfig, PerGroup

    def config(size: int) -> Any:
        return IntxWeightOnlyConfig(
            weight_dtype=getattr(torch, "int2"),  # noqa: B009 - its stubs lack it.
            granularity=PerGroup(size),
            scale_dtype=torch.bfloat16,
            intx_choose_qparams_algorithm="hqq_scale_only",
        )

    return grouped(model, config, groups=GROUPS[1:])


class TwoBits(nn.Module):
    """A linear layer whose weights are stored four to a byte, and unpacked for each step."""

    packed: torch.Tensor
    scale: torch.Tensor

    def __init__(self, layer: nn.Linear) -> None:
        from torchao.prototype.dtypes.uintx.bitpacking import pack

        super().__init__()
        weight: Any = layer.weight
        if weight.zero_point.any():
            raise Unsupported("this torchao gives 2-bit weights a zero point: pip install 'torchao==0.18.0'")
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.dtype = weight.dtype
        self.register_buffer("packed", pack((weight.qdata + 2).to(torch.uint8), 2, dim=-1)[0])
        self.register_buffer("scale", weight.scale)
        self.bias = layer.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from torchao.prototype.dtypes.uintx.bitpacking import unpack

        values = unpack([self.packed], 2, dim=-1).to(self.dtype) - 2
        grouped = values.view(*self.scale.shape, -1) * self.scale.to(self.dtype)[..., None]
        return nn.functional.linear(x, grouped.flatten(1), self.bias)


def int2_packed(model: nn.Module) -> nn.Module:
    from torchao.quantization import IntxUnpackedToInt8Tensor

    for name, layer in list(int2(model).named_modules()):
        if isinstance(layer, nn.Linear) and isinstance(layer.weight, IntxUnpackedToInt8Tensor):
            model.set_submodule(name, TwoBits(layer))
    return model


def bitsandbytes(model: Any, **given: Any) -> nn.Module:
    """The model loaded again from its own weights, as ``BitsAndBytesConfig`` asks to be used.

    The head stays as it is, as there, and so do layers that NF4 does not divide. Raises Unsupported if that
    is all of them, or if the model has weights that are not made again, as those of folded normalizations.
    """
    import transformers
    from transformers.quantizers.base import get_keys_to_not_convert

    skipped = [name for name, layer in _named(model) if given.get("load_in_4bit") and not _divides(layer)]
    if given.get("load_in_4bit") and len(skipped) == len(_named(model)):
        raise Unsupported(f"no linear layer has whole blocks of {BLOCK} weights and {ROWS} rows")
    config_of: Any = transformers.BitsAndBytesConfig
    config = config_of(**given, llm_int8_skip_modules=[*get_keys_to_not_convert(model), *skipped])
    with _no_progress_bar():
        found: nn.Module
        found, told = type(model).from_pretrained(
            None,
            config=model.config,
            state_dict=model.state_dict(),
            dtype=model.dtype,
            device_map={"": model.device},
            quantization_config=config,
            output_loading_info=True,
        )
    if told["unexpected_keys"]:
        raise Unsupported(
            f"{type(model).__name__} is loaded again without its {min(told['unexpected_keys'])}"
        )
    return found


@contextlib.contextmanager
def _no_progress_bar() -> Iterator[None]:
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _named(model: nn.Module) -> list[tuple[str, Any]]:
    from transformers.pytorch_utils import Conv1D

    return [(name, layer) for name, layer in model.named_modules() if isinstance(layer, (nn.Linear, Conv1D))]


def _divides(layer: Any) -> bool:
    rows, width = layer.weight.shape if isinstance(layer, nn.Linear) else layer.weight.shape[::-1]
    return bool(rows % ROWS == 0 and width % BLOCK == 0)
