"""Folded normalizations: results stay, the normalizations go, and a model that has none is refused."""

from __future__ import annotations

import pytest
import torch

from harness import equal, folding
from harness.errors import Unsupported
from harness.technique import technique
from harness.workload import ModelJob
from tests.techniques.conftest import first_step, tiny


def uneven(model: torch.nn.Module) -> torch.nn.Module:
    """Norms as training leaves them: fresh ones, of ones and zeros, would hide a factor that is lost."""
    torch.manual_seed(1)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm | torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 2.0)
                module.bias.uniform_(-1.0, 1.0)
    return model


@pytest.mark.parametrize(
    ("name", "model", "folded"),
    [("layer-norm-linear", "gpt2", 4), ("layer-norm-linear", "vit", 4), ("conv-batch-norm", "resnet", 12)],
)
def test_folding_keeps_what_a_trained_normalization_does(name: str, model: str, folded: int) -> None:
    plain = tiny(model, "infer").edited(uneven)
    variant = technique("fusion").variant(name)
    found = equal.equality(first_step(plain), first_step(variant.apply(plain)), variant.tolerance)
    assert found["ok"], found
    job = variant.apply(plain).build()
    assert isinstance(job, ModelJob)
    gone = [
        module
        for module in job.model.modules()
        if isinstance(module, torch.nn.LayerNorm) and module.weight is None
    ]
    left = [module for module in job.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(gone) == folded or (model == "resnet" and not left)


def test_a_model_with_nothing_to_fold_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no LayerNorm that only Linear layers read"):
        tiny("bert", "infer").edited(folding.layer_norm_linear).build()
    with pytest.raises(Unsupported, match="no batch normalization behind a convolution"):
        tiny("gpt2", "infer").edited(folding.conv_batch_norm).build()


@pytest.mark.parametrize("with_bias", [True, False])
def test_a_linear_layer_takes_the_factors_of_what_is_before_it(with_bias: bool) -> None:
    norm, reader = torch.nn.LayerNorm(8), torch.nn.Linear(8, 3, bias=with_bias)
    uneven(torch.nn.Sequential(norm))
    x = torch.randn(5, 8)
    expected = reader(norm(x))
    folding.fold(norm, reader)
    torch.testing.assert_close(reader(torch.nn.functional.layer_norm(x, (8,))), expected)
