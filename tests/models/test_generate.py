"""Generating: the tokens are those of transformers' own greedy search, whatever is kept of those before."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness import benchmark, equal
from harness.errors import BadInput
from harness.memory import HostReader
from harness.models._generate_job import GenerateJob

MODELS = ("gpt2", "llama")


def job(model: str, options: dict[str, Any] | None = None, **given: Any) -> GenerateJob:
    plain = benchmark.model(model)(phase="generate", **{"size": "tiny", **given})
    made = plain.with_options(**(options or {})).build()
    assert isinstance(made, GenerateJob)
    return made


@pytest.mark.parametrize("model", MODELS)
def test_the_tokens_are_those_of_the_library_s_own_search(model: str) -> None:
    made = job(model, new=6)
    made.step()
    prompt = made.batches[0]["input_ids"][:, :16]
    assert made.tokens is not None
    model_: Any = made.model
    model_.generation_config.eos_token_id = None
    theirs = model_.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=6, do_sample=False, use_cache=True
    )
    assert torch.equal(made.tokens, theirs)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_what_is_kept_changes_no_token(model: str, cache: str) -> None:
    one, other = job(model, {"cache": "off"}), job(model, {"cache": cache})
    for _ in range(3):
        assert torch.equal(one.step(), other.step())
    found = equal.equality(equal.evidence(one), equal.evidence(other), 1e-5)
    assert found["ok"], found


def test_evidence_is_of_every_new_token_and_of_the_first_prompt() -> None:
    made = job("gpt2", new=3)
    made.step()
    first = made.evidence()["output"]
    assert first.shape == (2, 3, 512)
    made.step()
    assert torch.equal(first, made.evidence()["output"])


def test_evidence_sees_a_cache_that_forgets() -> None:
    """A cache that is emptied between tokens gives other logits, even where the tokens are the same."""
    plain, broken = job("llama"), job("llama", {"cache": "static"})
    plain.step()
    broken.step()
    logits = broken._logits

    def forgetting(tokens: torch.Tensor, cache: Any) -> torch.Tensor:
        if tokens.shape[1] > 16:
            cache.reset()
        return logits(tokens, cache)

    broken._logits = forgetting  # type: ignore[method-assign]
    assert not equal.equality(equal.evidence(plain), equal.evidence(broken), 1e-3)["ok"]


def test_prefill_and_decoding_are_told_apart() -> None:
    made = job("gpt2", new=8)
    made.step()
    seen: list[tuple[int, int]] = []
    greedy = made._greedy

    def counted(prompt: torch.Tensor, new: int) -> torch.Tensor:
        seen.append((prompt.shape[1], new))
        return greedy(prompt, new)

    made._greedy = counted  # type: ignore[method-assign]
    found = made.figures()
    assert {*seen} == {(16, 1), (16, 8)}
    assert set(found) <= {"prefill s", "decoded tokens/s"}
    assert float(found["prefill s"]) > 0


def test_one_new_token_is_all_prefill() -> None:
    made = job("gpt2", {"cache": "off"}, new=1)
    assert made.step().shape == (2, 17)


@pytest.mark.parametrize("cache", ["off", "dynamic", "static"])
def test_memory_is_measured_and_a_static_cache_is_seen(cache: str) -> None:
    made = job("llama", {"cache": cache})
    made.step()
    found = HostReader().measure(made)
    heads, positions, width, layers = 1, 20, 16, 2
    assert found["cache"] == (2 * layers * 2 * heads * positions * width * 4 if cache == "static" else 0)
    assert found["peak"] > found["weights"]


def test_positions_reach_to_the_last_new_token() -> None:
    made = job("gpt2", {"cache": "off"}, length=60, new=10)
    assert made.step().shape == (2, 70)


@pytest.mark.parametrize("model", MODELS)
def test_the_seed_decides(model: str) -> None:
    assert torch.equal(job(model, seed=1).step(), job(model, seed=1).step())
    assert not torch.equal(job(model, seed=1).step(), job(model, seed=2).step())


@pytest.mark.parametrize("model", MODELS)
def test_new_tokens_are_a_parameter_of_generating_alone(model: str) -> None:
    with pytest.raises(BadInput, match=f"no parameter of {model} 'new'"):
        benchmark.model(model)(phase="train", new=3)
    with pytest.raises(BadInput, match=f"new of {model} must be a whole number"):
        benchmark.model(model)(phase="generate", new=0)
    assert benchmark.model(model)(phase="generate", new=7).parameters["new"] == 7


def test_a_run_to_the_end_is_no_generation() -> None:
    with pytest.raises(BadInput, match="task of gpt2"):
        benchmark.model("gpt2")(phase="generate", task="converge")


def test_a_cache_that_there_is_not_is_said_in_one_line() -> None:
    with pytest.raises(BadInput, match="no cache of generate 'statc'; did you mean static"):
        job("gpt2", {"cache": "statc"})
