"""A smaller model is the one that the sources name."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness import benchmark
from harness.errors import Unsupported
from harness.technique import technique
from harness.workload import Workload

SMALLER = technique("model-size").variant("smaller").apply


def made(model: str, **given: Any) -> Workload:
    return SMALLER(benchmark.model(model)(phase="train", **given))


@pytest.mark.parametrize(
    ("model", "given", "smaller"),
    [
        ("resnet", {"layers": 152}, {"layers": 18}),
        ("wide_resnet", {"layers": 28, "widen": 10}, {"layers": 28, "widen": 2}),
        ("trajectory", {}, {"hidden": 64, "latent": 32}),
        ("gpt2", {"layers": 4}, {"layers": 2}),
    ],
)
def test_which_one(model: str, given: dict[str, int], smaller: dict[str, int]) -> None:
    workload = made(model, **given)
    assert {name: workload.parameters[name] for name in smaller} == smaller
    assert workload.make_model
    with torch.device("meta"):
        few = sum(weight.numel() for weight in workload.make_model().parameters())
        whole = benchmark.model(model)(phase="train", **given).make_model()
    assert few < 0.7 * sum(weight.numel() for weight in whole.parameters())


def test_the_pipeline_trains_on_half_the_units() -> None:
    job = made("trajectory", size="tiny").build()
    job.step()
    assert torch.isfinite(job.evidence()["loss"]).all()


def test_one_layer_has_no_half() -> None:
    with pytest.raises(Unsupported, match="no layers"):
        made("digits", size="tiny")
