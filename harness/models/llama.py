"""Llama 3: a decoder with rotary positions, grouped queries and a gated feed-forward (Meta, 2024).

``base`` has the shape of Llama 3.2 1B, ``large`` of Llama 3 8B. Training them in fp32 with AdamW takes 16
bytes per parameter before any activation: 20 GB and 128 GB.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.data import text
from harness.models._generate import DECODER, generating, longest, sizes
from harness.models._language import batches, heads, logits, loss
from harness.models._sizes import multiple, settled, table
from harness.models._transformers import built
from harness.workload import Workload

if TYPE_CHECKING:
    import torch

#: `shared`: how many heads share keys and values; `inner`: the feed-forward's width over the model's;
#: `tied`: whether the output layer is the embedding.
SIZES = table(
    ("batch", "length", "layers", "width", "head", "vocab", "shared", "inner", "tied"),
    tiny=(2, 16, 2, 32, 16, 512, 2, 3.5, True),
    small=(4, 128, 4, 192, 64, 2048, 3, 3.5, True),
    base=(1, 512, 16, 2048, 64, 128256, 4, 4.0, True),
    large=(1, 1024, 32, 4096, 128, 128256, 4, 3.5, False),
)


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, length in tokens, layers, width and so on.

    A step of ``generate`` adds `new` tokens to a prompt. Raises BadInput for a phase, size, parameter or
    value that there is not.
    """
    parameters = settled("llama", sizes(SIZES, phase), phase=phase, size=size, phases=DECODER, **given)
    _shape(parameters)
    made = Workload(
        model="llama",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(decoder, parameters, device),
        make_batches=partial(batches, parameters, seed),
        forward=loss if phase == "train" else logits,
        device=device,
        seed=seed,
        parameters=parameters,
    )
    return generating(made)


def decoder(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """Llama of that shape, with the rotary base of Llama 3."""
    from transformers.models.llama import LlamaConfig, LlamaForCausalLM

    return built(
        LlamaForCausalLM,
        LlamaConfig,
        device,
        vocab_size=parameters["vocab"],
        hidden_size=parameters["width"],
        num_hidden_layers=parameters["layers"],
        head_dim=parameters["head"],
        tie_word_embeddings=parameters["tied"],
        max_position_embeddings=max(8192, longest(parameters)),
        rope_theta=500000.0,
        rms_norm_eps=1e-5,
        use_cache=False,
        bos_token_id=text.END,
        eos_token_id=text.END,
        pad_token_id=text.PAD,
        **_shape(parameters),
    )


def _shape(parameters: Mapping[str, Any]) -> dict[str, int]:
    count = heads("llama", parameters)
    return {
        "num_attention_heads": count,
        "num_key_value_heads": multiple(
            "llama", "width / head", count, parameters["shared"], "the heads that share keys"
        ),
        "intermediate_size": round(parameters["width"] * parameters["inner"]),
    }
