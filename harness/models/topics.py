"""A small BERT that tells which help topic a passage is from: text with a test set that it has not seen.

As in BERT-base, embeddings are about a fifth of its parameters. The mean over tokens is classified, which is
learned in seconds where the CLS token takes hours of pre-training. ``infer`` starts from a trained model.
``base`` and ``large`` are for GPUs; ``large`` has the shape of BERT-base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.data import text
from harness.models import _batches
from harness.models._language import heads
from harness.models._quality import annealed, classified, epochs
from harness.models._sizes import settled, table
from harness.models._trained import trained
from harness.models._transformers import built
from harness.workload import Batch, Job, ModelJob, Workload

if TYPE_CHECKING:
    import torch

#: The longest topics of the text.
TOPICS = 8
#: The highest learning rate, by size: what is wide takes smaller steps.
PEAKS = {"tiny": 3e-3, "small": 3e-3, "base": 1e-3, "large": 2e-4}

SIZES = table(
    ("batch", "length", "layers", "width", "head", "vocab", "epochs"),
    tiny=(32, 64, 2, 16, 16, 512, 1),
    small=(32, 32, 4, 64, 32, 1024, 2),
    base=(64, 64, 12, 256, 64, 8192, 6),
    large=(64, 64, 12, 768, 64, 30522, 6),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, length in tokens, layers, width, epochs and so on.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("topics", SIZES, phase=phase, size=size, **given)
    heads("topics", parameters)
    train = Workload(
        model="topics",
        phase="train",
        samples=parameters["batch"],
        make_model=partial(encoder, parameters, device),
        make_batches=partial(batches, parameters, seed),
        forward=loss,
        device=device,
        seed=seed,
        parameters=parameters,
        quality=train_then_judge,
        make_optimizer=partial(annealing, parameters, seed),
    )
    if phase == "train":
        return train
    return replace(train, phase="infer", make_model=partial(trained, train), forward=logits, quality=judged)


def annealing(parameters: Mapping[str, Any], seed: int, weights: Any) -> torch.optim.Optimizer:
    steps = parameters["epochs"] * len(batches(parameters, seed))
    return annealed(weights, steps=steps, peak=PEAKS[parameters["size"]])


def encoder(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """BERT of that shape without its pooler, and a linear layer for the topics as its head."""
    from torch.nn import Linear
    from transformers.models.bert import BertConfig, BertModel

    model: Any = built(
        partial(BertModel, add_pooling_layer=False),
        BertConfig,
        device,
        vocab_size=parameters["vocab"],
        hidden_size=parameters["width"],
        num_hidden_layers=parameters["layers"],
        num_attention_heads=heads("topics", parameters),
        intermediate_size=4 * parameters["width"],
        max_position_embeddings=parameters["length"],
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=text.PAD,
    )
    model.head = Linear(parameters["width"], TOPICS)
    found: torch.nn.Module = model
    return found


def logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, topics]"""
    hidden = model(input_ids=batch["input_ids"]).last_hidden_state
    found: torch.Tensor = model.head(hidden.mean(1))  # type: ignore[operator]
    return found


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the topic."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits(model, batch), batch["labels"])


def batches(parameters: Mapping[str, Any], seed: int, test: bool = False) -> list[Batch]:
    """One epoch, in an order of `seed`; or the test set. An epoch leaves out what does not fill a batch."""
    import numpy as np
    import torch

    ids, labels = text.held_out(parameters["vocab"], parameters["length"], TOPICS, test)
    size = parameters["batch"]
    if not test:
        order = np.random.default_rng(seed).permutation(len(ids))[: len(ids) // size * size]
        ids, labels = ids[order], labels[order]
    return _batches.cut(size, input_ids=torch.from_numpy(ids), labels=torch.from_numpy(labels))


def train_then_judge(job: Job) -> dict[str, Any]:
    """Trains to the end as the technique has it, then judges."""
    assert isinstance(job, ModelJob)
    return _tested(job, epochs(job))


def judged(job: Job) -> dict[str, Any]:
    """Judges the model as it is."""
    assert isinstance(job, ModelJob)
    return _tested(job, [])


def _tested(job: ModelJob, curve: list[float]) -> dict[str, Any]:
    tested = batches(job.workload.parameters, job.workload.seed, test=True)
    return classified(job, tested, logits, curve)
