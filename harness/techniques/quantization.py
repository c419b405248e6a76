"""Quantization: the weights of linear layers in 8, 4 or 2 bits; embeddings and norms stay as they are.

Every format is lossy. Its tolerance is what its rounding does to outputs, measured on random weights and on
trained ones, where a few large values stretch a scale: in int8 up to 0.08 where each row has a scale and
0.46 where a whole weight has one, 0.36 in 4 bits. Those of fp8 are from its 3 bits of fraction, as no GPU has
tried them yet. Of 2 bits it is 0.2 to 1.2, which tells no error from a format that works as meant: they are
another result by design. What a format costs a task is told by ``quality``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.technique import Technique, Variant
from harness.workload import Workload

if TYPE_CHECKING:
    import torch


@contextmanager
def settings() -> Iterator[None]:
    """What a library sets for the whole process is as before on exit."""
    from harness import quantizers

    with quantizers.settings():
        yield


def by(
    quantizer: str, says: str, tolerance: float | None, *needs: str, on: str = "", **given: Any
) -> Variant:
    """The variant whose model has gone through that function of quantizers; `on` is its only device."""

    def edit(model: torch.nn.Module) -> torch.nn.Module:
        from harness import quantizers

        found: torch.nn.Module = getattr(quantizers, quantizer)(model, **given)
        return found

    def apply(workload: Workload) -> Workload:
        return workload.with_during(settings).edited(edit)

    return Variant(apply=apply, says=says, tolerance=tolerance, needs=needs, devices=(on,) if on else None)


def ao(config: str, says: str, tolerance: float) -> Variant:
    """torchao's config of that name, which for fp8 wants a GPU."""
    if config.startswith("Float8"):
        return by("rowwise", says, tolerance, "cuda", AO, on="cuda", config=config)
    return by("rowwise", says, tolerance, AO, config=config)


def bnb(says: str, tolerance: float, **given: Any) -> Variant:
    """What ``BitsAndBytesConfig`` is given."""
    return by("bitsandbytes", says, tolerance, "bitsandbytes>=0.50", "accelerate>=1.1", **given)


AO = "torchao>=0.18"
INT8, FP8 = "Int8DynamicActivationInt8WeightConfig", "Float8DynamicActivationFloat8WeightConfig"
NF4: dict[str, Any] = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}

TECHNIQUE = Technique(
    name="quantization",
    says="weights of 8, 4 or 2 bits",
    stage="weights",
    baseline="fp32",
    phases=("infer", "generate"),
    variants={
        "fp32": Variant(says="weights as they are"),
        "bf16": by("bf16", "weights and arithmetic in bf16", 0.05),
        "dynamic-int8": by(
            "dynamic", "torch.ao's quantize_dynamic, as guides write it; for hosts", 0.5, on="cpu"
        ),
        "int8-weight-only": ao("Int8WeightOnlyConfig", "torchao: int8 weights, floats multiplied", 0.1),
        "int8-dynamic": ao(INT8, "torchao: int8 weights and activations, multiplied as such", 0.2),
        "int4-weight-only": by("int4", "torchao: 4-bit weights, the rest bf16", 0.5, AO),
        "int2": by("int2", "torchao: 2-bit weights, stored in 8 bits each", None, AO),
        "int2-packed": by("int2_packed", "the same four to a byte, unpacked for each step", None, AO),
        "fp8-weight-only": ao("Float8WeightOnlyConfig", "torchao: fp8 weights", 0.2),
        "fp8-dynamic": ao(FP8, "torchao: fp8 weights and activations, multiplied as such", 0.3),
        "bnb-int8": bnb("LLM.int8(): outliers among activations in 16 bits", 0.1, load_in_8bit=True),
        "bnb-int8-plain": bnb(
            "bitsandbytes int8, outliers too", 0.2, load_in_8bit=True, llm_int8_threshold=0.0
        ),
        "bnb-nf4": bnb("bitsandbytes NF4, its scales quantized as well", 0.4, **NF4),
    },
)
