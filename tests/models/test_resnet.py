"""A ResNet whose gradients two orders of rounding agree on: its ReLUs are not given values at their kink."""

from __future__ import annotations

import pytest
import torch

from harness.models.resnet import make
from harness.technique import technique
from harness.workload import Workload


def gradients(workload: Workload) -> torch.Tensor:
    job = workload.build()
    job.step()
    return torch.cat([grad.reshape(-1).double() for name, grad in job.evidence().items() if name != "loss"])


@pytest.mark.parametrize("seed", [0, 1, 2, 3])  # With values around 0, ReLUs flip in each: 0.004 to 0.025.
def test_both_orders_of_images_give_the_same_gradients(seed: int) -> None:
    small = make(phase="train", batch=4, seed=seed)
    plain, changed = map(gradients, (small, technique("channels-last").variant("nhwc").apply(small)))
    assert float((plain - changed).norm() / plain.norm()) < 1e-5


@pytest.mark.parametrize("layers", [18, 50])
def test_relus_are_given_a_mean_of_three_deviations_through_every_block(layers: int) -> None:
    job = make(phase="train", batch=4, layers=layers, width=16).build()
    shares: list[float] = []
    for module in job.model.modules():  # type: ignore[attr-defined]
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(
                lambda _module, _given, out: shares.append(float((out > 0).double().mean()))
            )
    job.step()
    assert len(shares) >= layers - 1
    assert min(shares) > 0.97
