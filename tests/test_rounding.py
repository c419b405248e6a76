"""How fp32 products round: set for a while, and in both interfaces of torch as before on exit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import torch

from harness import rounding

Flags = dict[str, Any]


def flags() -> Flags:
    kinds = [("cuda", "matmul"), ("cuda", "conv"), ("cuda", "rnn"), ("mkldnn", "matmul"), ("mkldnn", "conv")]
    newer = {str(kind): torch._C._get_fp32_precision_getter(*kind) for kind in kinds}
    return {"matmul": torch.get_float32_matmul_precision(), "conv": torch.backends.cudnn.allow_tf32, **newer}


@pytest.mark.parametrize(
    ("allowed", "precision", "flag"), [(True, "high", "tf32"), (False, "highest", "ieee")]
)
def test_tf32_is_switched_for_a_while(allowed: bool, precision: str, flag: str) -> None:
    before = flags()
    with rounding.tf32(allowed):
        inside = flags()
    assert (inside["matmul"], inside["conv"]) == (precision, allowed)
    assert inside[str(("cuda", "matmul"))] == flag, "both interfaces of torch say the same"
    assert flags() == before


def test_tf32_comes_back_from_an_error_and_to_what_the_user_had() -> None:
    untouched = flags()
    torch.set_float32_matmul_precision("medium")
    before = flags()
    with suppress(ValueError), rounding.tf32(False):
        raise ValueError
    assert flags() == before
    torch.set_float32_matmul_precision("highest")
    with rounding.tf32(True):
        pass
    for kind in ("cuda", "mkldnn"):
        getattr(torch.backends, kind).matmul.fp32_precision = untouched[str((kind, "matmul"))]
    assert flags() == untouched


def test_torch_compile_can_ask_for_the_precision_meanwhile() -> None:
    """What it keys its cache by; with the newer flags alone this raises."""
    from torch._inductor.codecache import CacheBase

    with rounding.tf32(True):
        assert CacheBase.get_system()
        assert torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("name", ["highest", "high", "medium"])
def test_the_precision_of_products_comes_back_from_an_error(name: str) -> None:
    before = flags()
    with suppress(ValueError), rounding.matmuls(name):
        assert torch.get_float32_matmul_precision() == name
        assert flags()["conv"] == before["conv"], "convolutions are not spoken of"
        raise ValueError
    assert flags() == before
