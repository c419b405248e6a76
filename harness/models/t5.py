"""T5: an encoder reads a piece of text, a decoder writes the piece that follows it (Raffel et al. 2020).

``base`` is T5-base (223 M parameters), ``large`` T5-large (738 M), both with fresh weights. Pieces fill their
length, in the encoder as in the decoder, so no mask is passed: the model is timed and not the padding.
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

#: `layers` are those of the encoder, and of the decoder as many.
SIZES = table(
    ("batch", "length", "layers", "width", "head", "vocab"),
    tiny=(2, 16, 2, 32, 16, 512),
    small=(4, 128, 4, 192, 64, 2048),
    base=(32, 512, 12, 768, 64, 32128),
    large=(16, 512, 24, 1024, 64, 32128),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, length in tokens, layers, width and so on.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("t5", SIZES, phase=phase, size=size, **given)
    heads("t5", parameters)
    return Workload(
        model="t5",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(encoder_decoder, parameters, device),
        make_batches=partial(batches, parameters, seed),
        forward=loss if phase == "train" else logits,
        device=device,
        seed=seed,
        parameters=parameters,
    )


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the next token of what is written."""
    found: torch.Tensor = model(**batch, use_cache=False).loss
    return found


def logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, length, vocab]"""
    read = {name: batch[name] for name in ("input_ids", "decoder_input_ids")}
    found: torch.Tensor = model(**read, use_cache=False).logits
    return found


def batches(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Batches of [batch, length] token ids: read, to be written, and those with the start before them."""
    import torch

    size, length = parameters["batch"], parameters["length"]
    ids = torch.from_numpy(text.windows(parameters["vocab"], _batches.COUNT * size, 2 * length, seed))
    read, written = ids[:, :length], ids[:, length:]
    shifted = written.roll(1, dims=1)
    shifted[:, 0] = text.PAD
    return _batches.cut(size, input_ids=read, decoder_input_ids=shifted, labels=written)


def encoder_decoder(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """T5 of that shape, without dropout. Positions are relative, so that any length fits."""
    from transformers.models.t5 import T5Config, T5ForConditionalGeneration

    return built(
        T5ForConditionalGeneration,
        T5Config,
        device,
        vocab_size=parameters["vocab"],
        d_model=parameters["width"],
        d_kv=parameters["head"],
        d_ff=4 * parameters["width"],
        num_layers=parameters["layers"],
        num_heads=heads("t5", parameters),
        dropout_rate=0.0,
        use_cache=False,
        pad_token_id=text.PAD,
        eos_token_id=text.END,
        decoder_start_token_id=text.PAD,
    )
