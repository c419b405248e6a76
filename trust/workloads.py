"""What all tools measure: real work from about 1 us to 12 s a step, cut into units that are all alike.

A slowdown is planted by doing more units, so its true size is known: 105 units against 100 take 5 % longer.
Imported by every tool in its own processes. What the work needs is imported as it is built, so that to list
workloads costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Step = Callable[[], Any]


@dataclass(frozen=True)
class Work:
    """One workload. `make` prepares the data and gives the work of one unit."""

    name: str
    make: Callable[[], Step]
    units: int = 100
    seconds: float = 1e-3
    """What a step of all units takes, roughly: for the order of the table, and to tell the slow ones."""

    def build(self, units: int) -> Step:
        """The step of so many units. The call of the loop is a part of each unit, so it grows with them."""
        work, counted = self.make(), range(units)

        def step() -> None:
            for _ in counted:
                work()

        return step

    def planted(self, share: float) -> int:
        """Units of the slower side: the nearest to `share` more, and one more at least unless it is 0."""
        return self.units + max(round(self.units * share), 1 if share else 0)


@dataclass(frozen=True)
class Statements(Work):
    """A unit is one statement, written out as often as there are units: a call would take longer than it."""

    statement: str = "x * y"

    def build(self, units: int) -> Step:
        names: dict[str, Any] = {}
        exec("from math import sqrt\nx, y, table = 1.5, 2.5, {'key': 1}", names)
        exec("def step():\n" + f"    {self.statement}\n" * units, names)
        step: Step = names["step"]
        return step


def _nothing() -> Step:
    return lambda: None


def _split() -> Step:
    return "the quick brown fox jumps over the lazy dog".split


def _numpy_add() -> Step:
    import numpy as np

    a, b = np.ones(64, np.float32), np.ones(64, np.float32)
    return lambda: np.add(a, b, out=b)


def _torch_add() -> Step:
    import torch

    a, b = torch.ones(64), torch.zeros(64)
    return lambda: torch.add(a, 1.0, out=b)


RECORD = {"name": "step", "values": [1.5, 2.5, 3.5], "tags": {"device": "cpu", "phase": "train"}, "n": 12}


def _json_dumps() -> Step:
    import json

    return lambda: json.dumps(RECORD)


def _json_loads() -> Step:
    import json

    text = json.dumps(RECORD)
    return lambda: json.loads(text)


def _regex() -> Step:
    import re

    text = "a step took 12.5 ms, the next 13.25 ms, and the last 1e3 us " * 2
    pattern = re.compile(r"(\d+\.?\d*)\s*(?:ms|us)")
    return lambda: pattern.findall(text)


def _sort() -> Step:
    import random

    values = random.Random(0).sample(range(10_000), 100)
    return lambda: sorted(values)


def _softmax() -> Step:
    import torch

    x = torch.randn(16, 64, generator=torch.Generator().manual_seed(0))
    return lambda: torch.softmax(x, -1)


def _layer_norm() -> Step:
    import torch

    x = torch.randn(32, 128, generator=torch.Generator().manual_seed(0))
    return lambda: torch.nn.functional.layer_norm(x, (128,))


def _linear() -> Step:
    import torch

    generator = torch.Generator().manual_seed(0)
    x, w = torch.randn(32, 64, generator=generator), torch.randn(64, 64, generator=generator)
    return lambda: torch.nn.functional.linear(x, w)


def _compress() -> Step:
    import zlib

    data = " ".join(map(str, range(400))).encode()
    return lambda: zlib.compress(data, 6)


def _numpy_matmul() -> Step:
    import numpy as np

    a = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    return lambda: a @ a


def _tokenize() -> Step:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    text = "a benchmark that cannot be believed is worse than none, because somebody will act on it"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator([text], trainers.BpeTrainer(vocab_size=60, show_progress=False))
    return lambda: tokenizer.encode(text)


def _conv() -> Step:
    import torch

    generator = torch.Generator().manual_seed(0)
    x, w = torch.randn(1, 8, 16, 16, generator=generator), torch.randn(8, 8, 3, 3, generator=generator)
    return lambda: torch.nn.functional.conv2d(x, w, padding=1)


def _attention() -> Step:
    import torch

    q = torch.randn(1, 4, 64, 32, generator=torch.Generator().manual_seed(0))
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True)


def _matmul(size: int) -> Callable[[], Step]:
    def make() -> Step:
        import torch

        a = torch.randn(size, size, generator=torch.Generator().manual_seed(0)) / size
        return lambda: a @ a

    return make


def _encoder() -> Step:
    import torch

    torch.manual_seed(0)
    model = torch.nn.TransformerEncoderLayer(64, 4, 128, batch_first=True).eval()
    x = torch.randn(2, 32, 64)

    def work() -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = model(x)
            return found

    return work


def _train(width: int, layers: int, batch: int) -> Callable[[], Step]:
    """A training step of a small GPT-2: pre-norm blocks with GELU, next-token loss, AdamW; 64 tokens."""

    def make() -> Step:
        import torch

        torch.manual_seed(0)
        block = torch.nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        words, body = torch.nn.Embedding(512, width), torch.nn.TransformerEncoder(block, layers, None, False)
        mask = torch.nn.Transformer.generate_square_subsequent_mask(64)
        ids = torch.randint(512, (batch, 65))
        optimizer = torch.optim.AdamW([*words.parameters(), *body.parameters()], lr=1e-3)

        def work() -> None:
            optimizer.zero_grad(set_to_none=True)
            hidden = body(words(ids[:, :-1]), mask=mask, is_causal=True)
            logits = hidden @ words.weight.T
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        return work

    return make


#: What is timed to see what a tool itself takes: no work at all.
NOTHING = Statements("nothing", _nothing, seconds=1e-8, statement="pass")

SHORT = [
    Statements("multiply", _nothing, seconds=1e-6, statement="x * y"),
    Statements("lookup", _nothing, seconds=2e-6, statement="table['key']"),
    Statements("square_root", _nothing, seconds=3e-6, statement="sqrt(x)"),
    Work("split", _split, seconds=2e-5),
    Work("numpy_add", _numpy_add, seconds=5e-5),
    Work("torch_add", _torch_add, seconds=3e-4),
    Work("json_loads", _json_loads, seconds=2.5e-4),
    Work("json_dumps", _json_dumps, seconds=4e-4),
    Work("regex", _regex, seconds=4e-4),
    Work("softmax", _softmax, seconds=5e-4),
    Work("sort", _sort, seconds=3e-4),
    Work("layer_norm", _layer_norm, seconds=1e-3),
    Work("linear", _linear, seconds=1e-3),
    Work("numpy_matmul", _numpy_matmul, seconds=1e-3),
    Work("compress", _compress, seconds=1e-3),
    Work("tokenize", _tokenize, seconds=1e-3),
    Work("conv", _conv, seconds=2e-3),
    Work("attention", _attention, seconds=4e-3),
    Work("encoder", _encoder, units=60, seconds=1e-2),
    Work("gpt2_train", _train(32, 2, 2), units=20, seconds=1e-1),
]
LONG = [
    Work("gpt2_train_long", _train(256, 4, 8), units=20, seconds=3.0),
    Work("matmul_long", _matmul(1024), units=400, seconds=12.0),
]
WORKLOADS = {work.name: work for work in [*SHORT, *LONG, NOTHING]}


def build(name: str, units: int) -> Step:
    return WORKLOADS[name].build(units)
