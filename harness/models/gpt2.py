"""GPT-2: a decoder with learned positions and a GELU feed-forward, on real text (Radford et al. 2019).

``base`` is GPT-2 (124 M parameters), ``large`` GPT-2 XL (1.6 B). ``task="converge"`` trains a small one to
the end of a short run, to see whether a technique changes where training arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.data import text
from harness.models._batches import COUNT
from harness.models._generate import DECODER, generating, longest, sizes
from harness.models._language import batches, heads, logits, loss
from harness.models._load import loading, prompted
from harness.models._quality import annealed, final_loss
from harness.models._sizes import one_of, settled, table
from harness.models._transformers import built
from harness.workload import Workload

if TYPE_CHECKING:
    import torch

SIZES = table(
    ("batch", "length", "layers", "width", "head", "vocab", "positions"),
    tiny=(2, 16, 2, 32, 16, 512, 64),
    small=(4, 128, 4, 192, 64, 2048, 256),
    base=(8, 512, 12, 768, 64, 50257, 1024),
    large=(8, 1024, 48, 1600, 64, 50257, 1024),
)
#: What ``task="converge"`` trains in place of the size's: small enough for a CPU that only emulates fp16.
CONVERGE = {"batch": 8, "length": 32, "layers": 2, "width": 64, "head": 32, "vocab": 272, "positions": 64}
STEPS = 200


def make(
    *, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", task: str = "step", **given: Any
) -> Workload:
    """The workload; `given` overrides the size: batch, length in tokens, layers, width and so on.

    A step of ``generate`` adds `new` tokens to a prompt, one of ``load`` reads the weights from files. Raises
    BadInput for a phase, size, task, parameter or value that there is not.
    """
    one_of("gpt2", "task", task, ("step",) if phase in ("generate", "load") else ("step", "converge"))
    chosen = prompted(sizes(SIZES if task == "step" else dict.fromkeys(SIZES, CONVERGE), phase), phase)
    parameters = settled("gpt2", chosen, phase=phase, size=size, phases=(*DECODER, "load"), **given)
    heads("gpt2", parameters)
    made = Workload(
        model="gpt2",
        phase=phase,
        samples=parameters["batch"],
        make_model=partial(decoder, parameters, "cpu" if phase == "load" else device),
        make_batches=partial(batches, parameters, seed, COUNT),
        forward=loss if phase == "train" else logits,
        device=device,
        seed=seed,
        parameters={**parameters, "task": task},
    )
    return converging(made) if task == "converge" else loading(generating(made))


def converging(workload: Workload) -> Workload:
    """The workload as one run of `STEPS` steps, each on text of its own."""
    return replace(
        workload,
        make_batches=partial(batches, workload.parameters, workload.seed, STEPS),
        make_optimizer=partial(annealed, steps=STEPS, peak=1e-3),
        quality=partial(final_loss, steps=STEPS) if workload.phase == "train" else None,
    )


def decoder(parameters: Mapping[str, Any], device: str) -> torch.nn.Module:
    """GPT-2 of that shape. Positions grow with a length beyond them."""
    from transformers.models.gpt2 import GPT2Config, GPT2LMHeadModel

    model = built(
        GPT2LMHeadModel,
        GPT2Config,
        device,
        vocab_size=parameters["vocab"],
        n_positions=max(parameters["positions"], longest(parameters)),
        n_embd=parameters["width"],
        n_layer=parameters["layers"],
        n_head=heads("gpt2", parameters),
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
        bos_token_id=text.END,
        eos_token_id=text.END,
        pad_token_id=text.PAD,
    )
    # transformers does not know which loss this class has; it takes the right one, but says so.
    model.loss_type = "ForCausalLM"  # type: ignore[assignment]
    return model
