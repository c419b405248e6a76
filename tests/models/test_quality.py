"""Short runs to the end: their figures, and that they arrive."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch

from harness.data import images
from harness.models import digits, gpt2
from harness.models._quality import annealed, final_loss, result


class Falling:
    """A job whose loss is what it is told."""

    def __init__(self, losses: list[float]) -> None:
        self._losses = iter(losses)

    def step(self) -> torch.Tensor:
        return torch.tensor(next(self._losses))


def of(losses: list[float]) -> dict[str, Any]:
    return final_loss(Falling(losses), len(losses))  # type: ignore[arg-type]


def test_the_final_loss_is_the_mean_of_the_last_twenty() -> None:
    found = of([100.0] * 10 + [1.0] * 10 + [3.0] * 10)
    assert found["metric"] == "final loss"
    assert found["value"] == 2.0
    assert found["finite"] is True
    assert len(found["curve"]) == 30


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_run_that_meets_no_number_says_so_in_plain_json(bad: float) -> None:
    found = of([1.0, bad, 1.0])
    assert found["finite"] is False
    assert found["value"] is None
    assert json.loads(json.dumps(found, allow_nan=False))["curve"] == [1.0, None, 1.0]


def test_a_bad_step_long_before_the_end_counts() -> None:
    assert result("final loss", 1.0, [math.inf, 1.0]) == {
        "metric": "final loss",
        "value": 1.0,
        "finite": False,
        "curve": [None, 1.0],
    }


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    optimizer = annealed([weight], steps=100, peak=1e-3)
    rates = []
    for _ in range(105):
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1e-3, rel=0.01)
    assert 5 <= top <= 15
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[0] < 1e-4
    assert rates[100:] == [0.0] * 5


def test_only_training_to_the_end_states_a_quality() -> None:
    assert gpt2.make(phase="train").quality is None
    assert gpt2.make(phase="infer", task="converge").quality is None


def test_gpt2_converges_on_text() -> None:
    workload = gpt2.make(phase="train", task="converge", seed=3)
    assert workload.quality
    found = workload.quality(workload.build())
    assert found["curve"][0] == pytest.approx(math.log(272), rel=0.03)
    assert found["finite"]
    assert 2.5 < found["value"] < 3.6
    assert len(found["curve"]) == gpt2.STEPS


def test_digits_are_learned_and_stay_learned() -> None:
    train = digits.make(phase="train", seed=3)
    infer = digits.make(phase="infer", seed=3)
    assert train.quality
    assert infer.quality
    learned, kept = train.quality(train.build()), infer.quality(infer.build())
    assert learned["accuracy"] > 0.94
    assert learned["value"] == pytest.approx(1 / learned["accuracy"])
    assert kept == {**learned, "curve": []}


def test_accuracy_is_the_share_of_the_test_that_is_read_right() -> None:
    job = digits.make(phase="train", size="tiny").build()
    with torch.no_grad():
        for weight in job.model.parameters():  # type: ignore[attr-defined]
            weight.zero_()
    _, tested = images.split()
    noughts = (images.scans()[1][tested] == 0).mean()  # All scores are zero, and the first class wins.
    assert digits.judged(job)["accuracy"] == pytest.approx(noughts)
