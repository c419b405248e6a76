"""The tensors that hold a model's weights, also those that quantized layers keep out of ``parameters()``.

torch's own dynamic int8 packs a layer's weight into an object that is no tensor; bitsandbytes keeps scales
and code books as attributes beside the weight. Without them a model would look smaller than it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

#: What bitsandbytes keeps beside a weight: on the parameter, the layer's state, or a quant state.
BESIDE = ("CB", "SCB", "absmax", "code", "offset")
HOLDERS = ("state", "quant_state", "state2")


def of(model: torch.nn.Module) -> list[torch.Tensor]:
    """All of them; some may share storage. What is packed is unpacked: keep the list while you look at it."""
    found = [*model.parameters(), *model.buffers()]
    for module in model.modules():
        found += packed(module)
        for holder in (module, *module.parameters(recurse=False)):
            found += beside(holder)
    return found


def packed(module: Any) -> Iterator[torch.Tensor]:
    """Weight, scales and bias of a layer of ``torch.ao``, as large as they are packed."""
    import torch

    if not isinstance(getattr(module, "_packed_params", None), torch.ScriptObject):
        return
    weight, bias = module._weight_bias()
    yield weight
    if weight.is_quantized and weight.qscheme() == torch.per_channel_affine:
        yield from (weight.q_per_channel_scales(), weight.q_per_channel_zero_points())
    if bias is not None:
        yield bias


def beside(holder: Any) -> Iterator[torch.Tensor]:
    """The tensors of bitsandbytes that `holder` has as plain attributes, and those its states have."""
    import torch

    kept = vars(holder)
    yield from (kept[name] for name in BESIDE if isinstance(kept.get(name), torch.Tensor))
    for name in HOLDERS:
        if type(kept.get(name)).__module__.startswith("bitsandbytes."):
            yield from beside(kept[name])
