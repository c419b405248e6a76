"""Every size is the model that it says it is, and what it is not is said in one line."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch

from harness.errors import BadInput
from harness.workload import Workload

MODELS = ("gpt2", "llama", "bert", "t5", "mlp", "resnet", "vit", "digits")


def make(model: str, phase: str = "train", **given: Any) -> Workload:
    made: Workload = importlib.import_module(f"harness.models.{model}").make(phase=phase, **given)
    return made


def counted(workload: Workload) -> int:
    """The number of parameters, without memory for any."""
    assert workload.make_model
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in workload.make_model().parameters())


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        ("gpt2", "base", 124_439_808),  # GPT-2
        ("gpt2", "large", 1_557_611_200),  # GPT-2 XL
        ("llama", "base", 1_235_814_400),  # Llama 3.2 1B
        ("llama", "large", 8_030_261_248),  # Llama 3 8B
        ("bert", "base", 109_482_240 + 16 * 769),  # BERT-base, and a classifier of 16 topics
        ("bert", "large", 335_141_888 + 16 * 1025),  # BERT-large
        ("t5", "base", 222_903_552),  # T5-base
        ("t5", "large", 737_668_096),  # T5-large
        ("resnet", "base", 25_557_032),  # ResNet-50
        ("resnet", "large", 60_192_808),  # ResNet-152
        ("vit", "base", 86_567_656),  # ViT-B/16
        ("vit", "large", 304_326_632),  # ViT-L/16
    ],
)
def test_base_and_large_are_the_published_models(model: str, size: str, expected: int) -> None:
    assert counted(make(model, size=size)) == expected


@pytest.mark.parametrize("model", MODELS)
def test_small_sizes_are_ordered(model: str) -> None:
    assert counted(make(model, size="tiny")) < 100_000 < counted(make(model, size="small")) < 5_000_000


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("gpt2", {"layers": 6, "width": 128}),
        ("llama", {"layers": 6, "width": 384}),
        ("bert", {"layers": 6, "width": 128}),
        ("resnet", {"layers": 34, "width": 48}),
        ("vit", {"layers": 6, "width": 128}),
    ],
)
def test_overrides_change_the_model_and_are_stated(model: str, given: dict[str, int]) -> None:
    plain = make(model)
    changed = make(model, **given)
    assert changed.parameters == {**plain.parameters, **given}
    assert counted(changed) != counted(plain)


def test_more_layers_are_more_of_the_same() -> None:
    two, four, six = (counted(make("gpt2", layers=layers)) for layers in (2, 4, 6))
    assert six - four == four - two > 0


@pytest.mark.parametrize("model", ["gpt2", "bert", "t5"])
def test_positions_grow_with_the_length(model: str) -> None:
    job = make(model, size="tiny", phase="infer", length=100).build()
    assert torch.isfinite(job.step()).all()


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("gpt2", {"phase": "trian"}, "no phase of gpt2 'trian'; did you mean train"),
        ("llama", {"phase": "serve"}, "no phase of llama 'serve'"),
        ("bert", {"size": "bse"}, "no size of bert 'bse'; did you mean base"),
        ("gpt2", {"lenght": 3}, "no parameter of gpt2 'lenght'; did you mean length"),
        ("resnet", {"length": 3}, "no parameter of resnet 'length'"),
        ("vit", {"batch": 0}, "batch of vit must be a whole number of at least 1, not 0"),
        ("vit", {"batch": True}, "batch of vit must be a whole number of at least 1, not True"),
        ("bert", {"length": 1.5}, "length of bert must be a whole number of at least 1, not 1.5"),
        ("llama", {"inner": "wide"}, "inner of llama must be a number such as 4.0, not 'wide'"),
        ("llama", {"tied": 1}, "tied of llama must be true or false, not 1"),
        ("gpt2", {"width": 100}, "width of gpt2 must be a multiple of 64, .*: 64 or 128, not 100"),
        ("llama", {"width": 256}, "width / head of llama must be a multiple of 3, .*: 3 or 6, not 4"),
        ("vit", {"resolution": 60}, "resolution of vit must be a multiple of 8, .*: 56 or 64, not 60"),
        ("resnet", {"layers": 51}, "layers of resnet must be one of 10, 18, 34, 50, 101, 152, not 51"),
        ("resnet", {"images": "cats"}, "images of resnet must be one of digits, jpeg, not 'cats'"),
        ("gpt2", {"task": "finish"}, "task of gpt2 must be one of step, converge, not 'finish'"),
        ("digits", {"batch": 2000}, "batch of digits must be at most 1437"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(model: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message) as error:
        make(model, **given)
    assert "\n" not in str(error.value)


def test_none_means_the_size_s_own() -> None:
    assert make("gpt2", batch=None).parameters == make("gpt2").parameters
