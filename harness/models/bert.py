"""BERT: an encoder that classifies text (Devlin et al. 2019): from which help topic is this passage?

``base`` is BERT-base (110 M parameters), ``large`` BERT-large (335 M). Passages fill their length, so no mask
is passed: what is timed is the encoder and not the padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.data import text
from harness.models import _batches
from harness.models._language import heads
from harness.models._sizes import settled, table
from harness.models._transformers import built
from harness.workload import Batch, Workload

if TYPE_CHECKING:
    import torch

#: The longest topics of the text; each of them holds passages of 512 tokens.
TOPICS = 16

SIZES = table(
    ("batch", "length", "layers", "width", "head", "vocab", "positions"),
    tiny=(2, 16, 2, 32, 16, 512, 64),
    small=(8, 128, 4, 192, 64, 2048, 512),
    base=(16, 512, 12, 768, 64, 30522, 512),
    large=(16, 512, 24, 1024, 64, 30522, 512),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, length in tokens, layers, width and so on.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("bert", SIZES, phase=phase, size=size, **given)
    heads("bert", parameters)
    return Workload(
        model="bert",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(encoder, parameters, device),
        make_batches=partial(batches, parameters, seed),
        forward=loss if phase == "train" else logits,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the topic."""
    found: torch.Tensor = model(input_ids=batch["input_ids"], labels=batch["labels"]).loss
    return found


def logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, topics]"""
    found: torch.Tensor = model(input_ids=batch["input_ids"]).logits
    return found


def batches(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Batches of [batch, length] token ids and [batch] topics."""
    import torch

    size = parameters["batch"]
    count = _batches.COUNT * size
    ids, labels = text.passages(parameters["vocab"], count, parameters["length"], TOPICS, seed)
    return _batches.cut(size, input_ids=torch.from_numpy(ids), labels=torch.from_numpy(labels))


def encoder(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """BERT of that shape. Positions grow with a length beyond them."""
    from transformers.models.bert import BertConfig, BertForSequenceClassification

    return built(
        BertForSequenceClassification,
        BertConfig,
        device,
        vocab_size=parameters["vocab"],
        hidden_size=parameters["width"],
        num_hidden_layers=parameters["layers"],
        num_attention_heads=heads("bert", parameters),
        intermediate_size=4 * parameters["width"],
        max_position_embeddings=max(parameters["positions"], parameters["length"]),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=TOPICS,
        problem_type="single_label_classification",
        use_cache=False,
        pad_token_id=text.PAD,
    )
