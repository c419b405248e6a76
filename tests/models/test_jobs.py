"""Every model takes real steps, the same ones for the same seed, and prints nothing."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest
import torch

import harness.warm  # noqa: F401 - as for every worker: optional packages talk when they are first imported
from harness.models.resnet import convolutions
from harness.workload import ModelJob

MODELS = ("gpt2", "llama", "bert", "t5", "resnet", "vit", "digits", "topics")
EACH = [(model, phase) for model in MODELS for phase in ("train", "infer")]


def job(model: str, phase: str, seed: int = 0, size: str = "tiny", **given: Any) -> ModelJob:
    make = importlib.import_module(f"harness.models.{model}").make
    built = make(phase=phase, device="cpu", seed=seed, size=size, **given).build()
    assert isinstance(built, ModelJob)
    return built


def results(job: ModelJob, steps: int = 3) -> torch.Tensor:
    return torch.stack([job.step().clone() for _ in range(steps)])


@pytest.mark.parametrize(("model", "phase"), EACH)
def test_steps_give_finite_results_and_print_nothing(
    model: str, phase: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = results(job(model, phase))
    assert torch.isfinite(found).all()
    assert found.shape[1:] == () if phase == "train" else found[0].ndim >= 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("model", "phase"), EACH)
def test_the_seed_decides_everything(model: str, phase: str) -> None:
    first = results(job(model, phase, seed=1))
    assert torch.equal(first, results(job(model, phase, seed=1)))
    assert not torch.equal(first, results(job(model, phase, seed=2)))


@pytest.mark.parametrize(("model", "phase"), EACH)
def test_batches_differ_and_hold_the_samples(model: str, phase: str) -> None:
    made = job(model, phase)
    heads = [next(iter(batch.values())) for batch in made.batches]
    assert len(heads) >= 4
    assert all(len(head) == made.samples for head in heads)
    assert len({head.numpy().tobytes() for head in heads}) == len(heads)


@pytest.mark.parametrize("model", MODELS)
def test_training_reaches_every_parameter(model: str) -> None:
    made = job(model, "train")
    made.step()
    untouched = {name for name, weight in made.model.named_parameters() if weight.grad is None}
    assert untouched == set()


@pytest.mark.parametrize("model", MODELS)
def test_training_learns_a_batch_it_sees_again(model: str) -> None:
    made = job(model, "train")
    made.batches = made.batches[:1]
    losses = results(made, 30)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("model", ["resnet", "vit"])
def test_images_may_be_jpegs(model: str) -> None:
    digits, jpegs = job(model, "train"), job(model, "train", images="jpeg")
    shapes = [made.batches[0]["pixel_values"].shape for made in (digits, jpegs)]
    assert shapes[0] == shapes[1]
    assert not torch.equal(digits.batches[0]["pixel_values"], jpegs.batches[0]["pixel_values"])


def test_the_deepest_resnet_stays_in_the_range_of_fp16() -> None:
    largest = 0.0

    def watch(_module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        nonlocal largest
        largest = max(largest, float(output.abs().max()))

    made = job("resnet", "infer", layers=152, batch=8)
    for module in made.model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.BatchNorm2d | torch.nn.Linear):
            module.register_forward_hook(watch)
    results(made, 4)
    assert 0 < largest < 1000


def test_calibrating_leaves_the_normalizations_as_they_are_usually_set() -> None:
    made = job("resnet", "infer")
    plain = convolutions(made.workload.parameters, "cpu")

    def momenta(model: torch.nn.Module) -> list[float | None]:
        return [module.momentum for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]

    assert momenta(made.model) == momenta(plain) != []
