"""Optimizers in the place of a workload's own: their updates, their state, and whose rates they follow."""

from __future__ import annotations

import pytest
import torch

from harness.errors import Unsupported
from harness.memory import resident
from harness.models import gpt2
from harness.models._quality import WARM_UP, final_loss
from harness.models.gpt2 import STEPS
from harness.optimizers import adamw, like
from harness.technique import technique
from harness.workload import ModelJob, Workload
from tests.techniques.conftest import tiny


def with_optimizer(variant: str, workload: Workload) -> Workload:
    return technique("optimizer").variant(variant).apply(workload)


def built(variant: str) -> ModelJob:
    job = with_optimizer(variant, tiny()).build()
    assert isinstance(job, ModelJob)
    return job


def weights(job: ModelJob, steps: int = 3) -> torch.Tensor:
    for _ in range(steps):
        job.step()
    return torch.cat([one.detach().reshape(-1) for one in job.model.parameters()])


@pytest.mark.parametrize("name", ["foreach", "fused"])
def test_each_adamw_makes_the_same_updates(name: str) -> None:
    torch.testing.assert_close(weights(built(name)), weights(built("loop")))


def test_the_baseline_is_the_workloads_own_adamw() -> None:
    plain = tiny().build()
    assert isinstance(plain, ModelJob)
    torch.testing.assert_close(weights(plain), weights(built("loop")))


def state_bytes(name: str) -> int:
    job = with_optimizer(name, gpt2.make(phase="train", size="tiny", width=128, batch=1)).build()
    job.step()
    return resident(job, "cpu")[0]["optimizer"]


def test_smaller_states_are_smaller() -> None:
    pytest.importorskip("bitsandbytes")
    full, eight, factored = (state_bytes(name) for name in ("loop", "8-bit", "adafactor"))
    assert eight < 0.35 * full
    assert factored < 0.1 * full


def test_adafactor_has_its_own_rate_and_arrives_where_adamw_does() -> None:
    plain = gpt2.make(phase="train", task="converge")
    rate = with_optimizer("adafactor", gpt2.make(phase="train", size="tiny")).build()
    assert rate.optimizer.param_groups[0]["lr"] == 0.01  # type: ignore[attr-defined]
    jobs = [with_optimizer(name, plain).build() for name in ("loop", "adafactor")]
    adamw, factored = (final_loss(job, steps=100)["value"] for job in jobs)
    assert factored < 1.2 * adamw  # At AdamW's rate 1.5 times as much.


@pytest.mark.parametrize(("name", "peak"), [("foreach", 1e-3), ("adafactor", 1e-2)])
def test_an_optimizer_follows_the_workloads_schedule(name: str, peak: float) -> None:
    plain = gpt2.make(phase="train", size="tiny", task="converge")
    job = with_optimizer(name, plain).build()
    assert isinstance(job, ModelJob)
    assert job.optimizer is not None
    rates = []
    for _ in range(3):
        job.step()
        rates.append(job.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([peak * (taken / STEPS + 0.005) / WARM_UP for taken in range(3)])


def test_what_has_no_settings_of_adamw_is_unsupported() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(Unsupported, match="settings of AdamW, which SGD lacks"):
        like(lambda parameters: torch.optim.SGD(parameters, lr=0.1), adamw, [weight])
