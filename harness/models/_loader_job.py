"""The job of the loader. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any, ClassVar

import torch

from harness import clock
from harness.errors import Unsupported, unknown
from harness.models import _loader_data as data
from harness.workload import ModelJob

#: Of a transform: what takes longer for a sample is named, s.
SLOW = 10e-3
#: Samples that the transforms are timed on.
TIMED = 8
OPTIONS: dict[str, Any] = {
    "workers": 0,
    "prefetch": None,
    "persistent": False,
    "transfer": "plain",
    "source": "decode",
    "preprocess": "host",
}
TRANSFERS = ("plain", "pinned", "pinned-non-blocking", "by-hand")


class LoaderJob(ModelJob):
    """One step is an epoch: every batch loaded, moved to the device and, if there is a model, consumed.

    Options, as torch's DataLoader has them: ``workers``, ``prefetch``, ``persistent``. ``transfer`` is one of
    TRANSFERS; ``source`` says whether files are decoded each time or kept in ``memory``; ``preprocess``
    whether pixels are resized and scaled sample by sample on the ``host`` or by batch on the ``device``.

    Workers are forked, as DataLoader does by itself on Linux. That is sound here: a child only decodes, on
    one thread, touches no device, and of this process's other threads none holds a lock while a step runs.
    """

    spreads = True
    """A step starts processes and threads, which need the other CPUs."""

    def prepare(self) -> None:
        workload = self.workload
        for name in workload.options:
            if name not in OPTIONS:
                raise unknown("option of loader", name, OPTIONS)
        chosen = {**OPTIONS, **workload.options}
        if chosen["transfer"] not in TRANSFERS:
            raise unknown("transfer of loader", chosen["transfer"], TRANSFERS)
        cores = len(os.sched_getaffinity(0))
        if chosen["workers"] > 2 * cores:
            raise Unsupported(f"{chosen['workers']} workers are more than twice the {cores} cores")
        self._transfer = chosen["transfer"]
        self._on_device = chosen["preprocess"] == "device"
        self._consumed = workload.parameters["consumer"] != "none"
        self.files = data.samples(workload.parameters, workload.seed, self._on_device)
        held = data.Kept(self.files) if chosen["source"] == "memory" else self.files
        self.loader = torch.utils.data.DataLoader(
            held,
            batch_size=workload.parameters["batch"],
            num_workers=chosen["workers"],
            prefetch_factor=chosen["prefetch"],
            persistent_workers=chosen["persistent"],
            pin_memory=self._transfer.startswith("pinned"),
            multiprocessing_context="fork" if chosen["workers"] else None,
            worker_init_fn=data.end_with_parent,
        )
        self.step = self._epoch  # type: ignore[assignment]
        self._stepped = False

    loader: Any = None
    parts: ClassVar[Mapping[str, str]] = {
        "loader": "data",
        "_moved": "data",
        "_forward": "forward",
        "_update": "backward",
    }

    def _epoch(self) -> torch.Tensor | None:
        losses = []
        for batch in self.loader:
            loss = self._consume(self._moved(batch))
            if loss is not None:
                losses.append(loss)
            self.on_batch()
        self._stepped = True
        self.last = torch.stack(losses) if losses else None
        return self.last

    def _moved(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """On its device and, where pixels still are as they were decoded, made ready there."""
        device = self.workload.device
        if self._transfer == "by-hand":
            batch = {name: tensor.pin_memory() for name, tensor in batch.items()}
        non_blocking = self._transfer == "pinned-non-blocking"
        batch = {name: tensor.to(device, non_blocking=non_blocking) for name, tensor in batch.items()}
        if self._on_device and batch["values"].ndim == 4:
            batch["values"] = data.preprocessed(batch["values"], self.workload.parameters["resolution"])
        return batch

    def _consume(self, batch: dict[str, torch.Tensor]) -> torch.Tensor | None:
        """What the model does with a batch; the loss where it trains."""
        if self.workload.parameters["compute_ms"]:
            time.sleep(self.workload.parameters["compute_ms"] / 1e3)
        if not self._consumed:
            return None
        given = {"pixel_values": batch["values"], "labels": batch["labels"]}
        if self.optimizer is None:
            with torch.inference_mode(), self.workload.context():
                self._forward(self.model, given)
            return None
        self.optimizer.zero_grad(set_to_none=True)
        with self.workload.context():
            loss = self._forward(self.model, given)
        self._update(loss, self.optimizer)
        return loss.detach()

    def evidence(self) -> dict[str, torch.Tensor]:
        """The losses of the epoch and the last gradients; without training the samples, in their order."""
        assert self._stepped, "evidence is taken after the first step"
        if self.optimizer is not None:
            return super().evidence()
        return {"output": torch.cat([self._moved(batch)["values"].float().cpu() for batch in self.loader])}

    def figures(self) -> dict[str, float | str]:
        """Waiting for data against computing, per batch; what holds the epoch up; transforms that are slow.

        Of an epoch of its own, which waits for the device after each batch: no timed step pays for it. Where
        there are workers, they start with the epoch: that is no waiting of a step, and told apart.
        """
        starting, waiting, computing = self._watched()
        slow = slow_transforms(self.files)
        found = {
            **super().figures(),
            "waiting ms/step": 1e3 * waiting,
            "computing ms/step": 1e3 * computing,
            "starting ms/epoch": 1e3 * starting,
            "slow transforms": ", ".join(slow) or "none",
            "cores": float(len(os.sched_getaffinity(0))),
        }
        if self._consumed or self.workload.parameters["compute_ms"]:
            found["bottleneck"] = "loading" if waiting > computing else "model"
        return found

    def _watched(self) -> tuple[float, float, float]:
        """Seconds until workers give the first batch; mean seconds of a batch waiting for it, and with it.

        Without workers nothing starts. An epoch of one batch from workers has no other waiting to tell.
        """
        timer = clock.of(self.workload.device)
        waiting: list[float] = []
        computing: list[float] = []
        start = timer.now()
        batches = iter(self.loader)
        while (batch := next(batches, None)) is not None:
            loaded = timer.now()
            self._consume(self._moved(batch))
            waiting.append(loaded - start)
            start = timer.now()
            computing.append(start - loaded)
        starting = waiting.pop(0) if self.loader.num_workers and len(waiting) > 1 else 0.0
        return starting, fmean(waiting), fmean(computing)

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        held = getattr(self.loader and self.loader.dataset, "samples", ())
        return {**super().tensors(), "dataset": [tensor for one in held for tensor in one.values()]}

    def close(self) -> None:
        """The loader goes, and with it its workers, which persistent ones outlive an epoch by."""
        self.loader = None
        gc.collect()
        super().close()


def slow_transforms(files: data.Samples) -> list[str]:
    """The names of the transforms that take over 10 ms for a sample, by the median of a few."""
    values = list(files.files[:TIMED])
    slow = []
    for name, transform in files.transforms:
        seconds, made = [], []
        for value in values:
            start = time.perf_counter()
            made.append(transform(value))
            seconds.append(time.perf_counter() - start)
        values = made
        if median(seconds) > SLOW:
            slow.append(name)
    return slow
