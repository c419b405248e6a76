"""The job of the phase ``load``. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

import ctypes
import gc
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from harness import memory, weights
from harness.cgroup import numbers
from harness.errors import unknown
from harness.workload import Workload

#: Files that the weights are split into.
SHARDS = 4
WHOLE = "whole.pt"
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class LoadJob:
    """One step loads the model from files and runs one short forward pass, which reads every weight.

    ``options["load"]`` says how: one of the variants of the technique. The model of the step before goes
    first. The files are made of seeded weights, shard by shard, in a temporary folder that `close` removes;
    a process that is killed leaves it behind. They take as much room as the weights: 6.2 GB of the largest
    GPT-2.
    """

    spreads = True
    """Libraries read shards in threads, which need the other CPUs."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.samples = workload.samples
        self.on_batch: Callable[[], None] = lambda: None
        self.model: Any = None
        self.last: torch.Tensor | None = None
        self._ways: dict[str, Callable[[], Any]] = {
            "built": self._built,
            "shards": self._built_by_shards,
            "meta": self._meta,
            "meta-shards": self._meta_by_shards,
            "from-pretrained": self._from_pretrained,
        }
        way = workload.options.get("load", "built")
        if way not in self._ways:
            raise unknown("load of a model", way, self._ways)
        self._load = self._ways[way]
        self._exit = ExitStack()
        try:
            for context in workload.during:
                self._exit.enter_context(context())
            self._prepare(whole=way in ("built", "meta"))
        except BaseException:
            self.close()
            raise

    def _prepare(self, whole: bool) -> None:
        assert self.workload.make_batches
        self._folder = Path(
            self._exit.enter_context(tempfile.TemporaryDirectory(prefix="claimbench-weights-"))
        )
        self.batches = [
            {name: values.to(self.workload.device) for name, values in batch.items()}
            for batch in self.workload.make_batches()
        ]
        skeleton = self._empty()
        self._shards = split(skeleton)
        if whole:
            write_whole(self._folder, skeleton, self.workload.seed)
        else:
            write_shards(self._folder, skeleton, self._shards, self.workload.seed)

    def _empty(self) -> Any:
        """The model on the meta device: shapes, and no memory behind them."""
        with torch.device("meta"):
            return self._random()

    def _random(self) -> Any:
        assert self.workload.make_model
        return self.workload.make_model()

    def step(self) -> torch.Tensor:
        self.model = None
        model = self._load().eval()
        for edit in self.workload.edits:
            model = edit(model)
        self.model = model
        assert self.workload.forward
        with torch.inference_mode(), self.workload.context():
            self.last = self.workload.forward(model, self.batches[0])
        return self.last

    def _built(self) -> Any:
        model = self._random()
        model.load_state_dict(torch.load(self._folder / WHOLE, weights_only=True))
        return model.to(self.workload.device)

    def _meta(self) -> Any:
        model = self._empty()
        model.load_state_dict(torch.load(self._folder / WHOLE, weights_only=True), assign=True)
        return complete(model).to(self.workload.device)

    def _built_by_shards(self) -> Any:
        model = self._random()
        for shard in self._read("cpu"):
            model.load_state_dict(shard, strict=False)
            del shard  # Or it would be there while the next is read.
        return model.to(self.workload.device)

    def _meta_by_shards(self) -> Any:
        model = self._empty()
        for shard in self._read(self.workload.device):
            model.load_state_dict(shard, strict=False, assign=True)
            del shard
        return complete(model)

    def _read(self, device: str) -> Iterator[dict[str, torch.Tensor]]:
        """One shard after the other; on the host its tensors are mapped files."""
        from safetensors.torch import load_file

        for number in range(len(self._shards)):
            yield load_file(self._folder / shard_name(number, len(self._shards)), device=device)

    def _from_pretrained(self) -> Any:
        with quiet():
            model = self._class().from_pretrained(self._folder, local_files_only=True)
        return model.to(self.workload.device)

    def _class(self) -> Any:
        return type(self._empty())

    def evidence(self) -> dict[str, torch.Tensor]:
        assert self.last is not None, "evidence is taken after the first step"
        return {"output": self.last}

    def figures(self) -> dict[str, float | str]:
        """The process's memory at the highest of one more load, in copies of the weights.

        Read from the machine, so it has what no allocator of torch sees: mapped files, and what libraries and
        other threads take. Empty where the machine does not tell.
        """
        self.model = self.last = None
        before = settled()
        if before is None:
            return {}
        self.step()
        after = resident()
        size = memory.size(self.tensors()["weights"])
        return {
            "copies at the peak": (after["peak"] - before["now"]) / size,
            "mapped share": (after["mapped"] - before["mapped"]) / size,
            "largest shard share": max(map(sum_bytes, self._shards)) / size,
        }

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        return {
            "weights": weights.of(self.model) if self.model is not None else [],
            "batch": [values for batch in self.batches for values in batch.values()],
        }

    def close(self) -> None:
        """The weights go before the files that they may be mapped from."""
        self.model = self.last = None
        gc.collect()
        self._exit.close()


Shard = list[tuple[str, torch.nn.Parameter]]


def sum_bytes(shard: Shard) -> int:
    return sum(weight.numel() * weight.element_size() for _, weight in shard)


def split(skeleton: torch.nn.Module) -> list[Shard]:
    """The parameters in their order, in about `SHARDS` parts of the same size; what is tied once."""
    named = list(skeleton.named_parameters())
    limit = sum_bytes(named) / SHARDS
    shards: list[Shard] = [[]]
    for one in named:
        if shards[-1] and sum_bytes(shards[-1]) + sum_bytes([one]) > 1.05 * limit:
            shards.append([])
        shards[-1].append(one)
    return shards


def seeded(shard: Shard, seed: int) -> dict[str, torch.Tensor]:
    """Weights as GPT-2 starts from; those of normalizations near 1. Each depends on its name and `seed`."""
    made = {}
    for name, weight in shard:
        drawn = torch.Generator().manual_seed(seed + sum(name.encode()) * 1009)
        middle = 1.0 if weight.ndim == 1 and name.endswith("weight") else 0.0
        made[name] = torch.empty(weight.shape).normal_(middle, 0.02, generator=drawn)
    return made


def write_whole(folder: Path, skeleton: Any, seed: int) -> None:
    """A state dict in one file, tied weights under each of their names."""
    made = seeded(list(skeleton.named_parameters()), seed)
    names = {id(weight): name for name, weight in skeleton.named_parameters()}
    kept = skeleton.state_dict(keep_vars=True)
    torch.save({name: made[names[id(weight)]] for name, weight in kept.items()}, folder / WHOLE)


def write_shards(folder: Path, skeleton: Any, shards: list[Shard], seed: int) -> None:
    """As transformers has them: the files, an index of which weight is where, and the config."""
    from safetensors.torch import save_file

    where: dict[str, str] = {}
    for number, shard in enumerate(shards):
        name = shard_name(number, len(shards))
        save_file(seeded(shard, seed), folder / name, metadata={"format": "pt"})
        where.update((weight, name) for weight, _ in shard)
    index = {"metadata": {"total_size": sum(map(sum_bytes, shards))}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    skeleton.config.save_pretrained(folder)


def shard_name(number: int, count: int) -> str:
    return f"model-{number + 1:05}-of-{count:05}.safetensors"


def complete(model: Any) -> Any:
    """The model with its tied weights tied. Raises RuntimeError if any weight was in no file."""
    model.tie_weights()
    missing = [name for name, each in [*model.named_parameters(), *model.named_buffers()] if each.is_meta]
    if missing:
        raise RuntimeError(f"no file holds {', '.join(missing[:3])}")
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def settled() -> dict[str, int] | None:
    """The process's memory once all that is free went back to the machine, its high-water mark at that level.

    Without the first a later load would hide in pages that an earlier one left behind. None where the machine
    offers no such thing: it takes Linux and the GNU C library.
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text("5", "ascii")
        return resident()
    return None


def resident() -> dict[str, int]:
    """Bytes of the process in memory now, at its highest since `settled`, and of mapped files."""
    found = numbers(STATUS)
    return {"now": found["VmRSS"] * 1024, "peak": found["VmHWM"] * 1024, "mapped": found["RssFile"] * 1024}
