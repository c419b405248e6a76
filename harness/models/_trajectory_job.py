"""The job of the trajectory pipeline. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch

from harness.errors import unknown
from harness.models import _trajectory_nets as nets
from harness.workload import Batch, ModelJob, Workload


class TrajectoryJob(ModelJob):
    """One step is a run over the data set: images to embeddings to trajectories, an update for each batch.

    ``options["way"]`` says in which order. ``accumulate`` keeps the embeddings of every batch in a list and
    trains after; ``stream`` trains on each batch at once. ``options["release"]`` says how a stream lets go of
    a batch: ``del``, ``empty_cache`` (on CUDA; a host has no such thing), both or neither.

    `on_batch` is called after each batch that is extracted and kept, or trained on and let go. Evidence is
    the loss of every update of the step and the gradients of the last, which depend on all updates before.
    """

    def __init__(self, workload: Workload) -> None:
        self._whole = workload
        super().__init__(replace(workload, make_batches=tuple))

    parts: ClassVar[Mapping[str, str]] = {
        "_moved": "data",
        "_activations": "extraction",
        "_embedded": "extraction",
        "_forward": "forward",
        "_update": "backward",
    }

    def prepare(self) -> None:
        workload = self._whole
        parameters, device = workload.parameters, workload.device
        ways = {"accumulate": self._accumulate, "stream": self._stream}
        way = workload.options.get("way", "accumulate")
        if way not in ways:
            raise unknown("way of trajectory", way, ways)
        self.step = ways[way]
        release = workload.options.get("release", ())
        self._deletes = "del" in release
        self._empties = "empty_cache" in release and device == "cuda"
        self.workload = workload
        self.batches = host_batches(workload)
        # Seeded anew: the same extractor, whatever a technique has drawn to change the autoencoder.
        torch.manual_seed(workload.seed)
        self.extractor = nets.extractor(parameters, device)
        # One place for each update's loss, made beforehand: a list of them would grow with the batches.
        self._losses = torch.zeros(parameters["epochs"] * len(self.batches), device=device)
        per_image = parameters["spatial"] ** 2 * nets.LAYERS * nets.DIMENSIONS
        self.batch_bytes = len(self.batches[0]["images"]) * per_image * torch.float32.itemsize
        """Bytes of one batch's embeddings."""
        self.elements = 0
        """Embedding elements that the last step extracted: all that it kept, if it accumulates."""

    def _accumulate(self) -> torch.Tensor:
        """Extracts everything, then trains: once through the data set, however many epochs."""
        self._begin()
        collected = []
        for batch in self.batches:
            collected.append(self._embedded(self._activations(self._moved(batch))))
            self.on_batch()
        for _ in range(self.workload.parameters["epochs"]):
            for embeddings in collected:
                self._train_on(embeddings)
        return self._losses

    def _stream(self) -> torch.Tensor:
        """Extracts and trains batch by batch, in every epoch anew.

        One function with the source's names: without `del` a name holds its tensor until it is bound anew.
        """
        self._begin()
        for batch in self.batches * self.workload.parameters["epochs"]:
            images = self._moved(batch)
            activations = self._activations(images)
            embeddings = self._embedded(activations)
            self._train_on(embeddings)
            if self._deletes:
                del images, activations, embeddings
            if self._empties:
                torch.cuda.empty_cache()
            self.on_batch()
        return self._losses

    def _begin(self) -> None:
        self.elements = 0
        self._updates = 0
        self.last = self._losses
        # What a variational autoencoder draws is the same in both ways, whoever else drew before.
        torch.manual_seed(self.workload.seed)

    def _moved(self, batch: Batch) -> torch.Tensor:
        return batch["images"].to(self.workload.device, non_blocking=True)

    @torch.no_grad()
    def _activations(self, images: torch.Tensor) -> list[torch.Tensor]:
        found: list[torch.Tensor] = self.extractor(images)
        return found

    def _embedded(self, activations: list[torch.Tensor]) -> torch.Tensor:
        embeddings = nets.stack_trajectory(activations)
        self.elements += embeddings.numel()
        return embeddings

    def _train_on(self, embeddings: torch.Tensor) -> None:
        assert self.optimizer is not None
        trajectories = embeddings.reshape(-1, nets.LAYERS, nets.DIMENSIONS)
        self.optimizer.zero_grad(set_to_none=True)
        with self.workload.context():
            loss = self._forward(self.model, {"trajectories": trajectories})
        self._update(loss, self.optimizer)
        self._losses[self._updates] = loss.detach()
        self._updates += 1

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        found = super().tensors()
        frozen = [*self.extractor.parameters(), *self.extractor.buffers()]
        return {**found, "weights": [*found["weights"], *frozen]}


def host_batches(workload: Workload) -> list[dict[str, torch.Tensor]]:
    """The data set, which stays on the host; for CUDA in pinned memory, so that copies need not wait."""
    assert workload.make_batches
    pinned = workload.device == "cuda"
    return [
        {name: tensor.pin_memory() if pinned else tensor for name, tensor in batch.items()}
        for batch in workload.make_batches()
    ]
