"""T5 reads one piece of text and is asked for the one behind it."""

from __future__ import annotations

import torch

from harness.data import text
from harness.models import t5
from harness.workload import ModelJob


def job(phase: str) -> ModelJob:
    built = t5.make(phase=phase, size="tiny").build()
    assert isinstance(built, ModelJob)
    return built


def test_what_is_written_follows_what_is_read() -> None:
    pieces = text.windows(512, 8, 32, seed=0)
    batch = job("train").batches[0]
    joined = torch.cat([batch["input_ids"], batch["labels"]], dim=1)
    assert joined.tolist() == pieces[:2].tolist()


def test_the_decoder_sees_only_what_is_before_a_token() -> None:
    """A later token changes no earlier one's scores, and a token that is read changes them all."""
    made = job("infer")
    batch = dict(made.batches[0])
    assert (batch["decoder_input_ids"][:, 0] == text.PAD).all()
    assert torch.equal(batch["decoder_input_ids"][:, 1:], batch["labels"][:, :-1])
    plain = t5.logits(made.model, batch)
    later = batch["decoder_input_ids"].clone()
    later[:, 8] = (later[:, 8] + 1) % 512
    changed = t5.logits(made.model, {**batch, "decoder_input_ids": later})
    torch.testing.assert_close(changed[:, :8], plain[:, :8])
    assert not torch.allclose(changed[:, 8:], plain[:, 8:])
    read = (batch["input_ids"] + 1) % 512
    assert not torch.allclose(t5.logits(made.model, {**batch, "input_ids": read})[:, 0], plain[:, 0])


def test_the_loss_is_that_of_its_scores() -> None:
    """The model is asked to shift nothing: labels and what the decoder is given are told apart."""
    made = job("infer")
    batch = made.batches[0]
    scores = t5.logits(made.model, batch)
    expected = torch.nn.functional.cross_entropy(scores.flatten(0, 1), batch["labels"].flatten())
    torch.testing.assert_close(t5.loss(made.model, batch), expected)
