"""Wide ResNet is the published network, and trains."""

from __future__ import annotations

import pytest
import torch

from harness.errors import BadInput
from harness.models.wide_resnet import make


@pytest.mark.parametrize(("widen", "expected"), [(10, 36_479_194), (2, 1_467_610)])
def test_28_layers_are_the_published_models(widen: int, expected: int) -> None:
    made = make(phase="train", size="base", widen=widen)
    assert made.make_model
    with torch.device("meta"):
        assert sum(weight.numel() for weight in made.make_model().parameters()) == expected


def test_it_learns_a_batch_it_sees_again() -> None:
    job = make(phase="train", size="tiny").build()
    job.batches = job.batches[:1]  # type: ignore[attr-defined]
    losses = [float(job.step()) for _ in range(20)]
    assert losses[-1] < 0.9 * losses[0]


def test_infer_gives_a_score_for_each_class() -> None:
    assert make(phase="infer", size="tiny").build().step().shape == (8, 10)


def test_a_depth_that_there_is_not_is_told() -> None:
    with pytest.raises(BadInput, match=r"6 n \+ 4"):
        make(phase="train", layers=20)
