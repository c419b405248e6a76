"""The job of requests that a cache on disk answers, or the model where it has no answer.

A request is a batch as it comes, its key the SHA-256 of its inputs on the host. What is stored is the model's
output as fp32.
"""

from __future__ import annotations

import hashlib
import tempfile
from typing import TYPE_CHECKING, Any

from harness import result_cache
from harness.workload import ModelJob, Workload

if TYPE_CHECKING:
    import torch


class CachedJob(ModelJob):
    """One step answers one request, from the cache or by the model. `state` is that of the cache:

    ``cold``: every request is new, so it is looked for, computed and written. ``warm``: all have been
    answered before the first step. ``expired``: so they have, but for longer ago than a result holds.
    ``shared``: another process has answered them, and reads and writes the cache as well while a step runs.
    """

    def __init__(self, workload: Workload, state: str) -> None:
        self._state = state
        super().__init__(workload)

    def prepare(self) -> None:
        state = self._state
        folder = self._exit.enter_context(tempfile.TemporaryDirectory(prefix="claimbench-results-"))
        # What has expired is there until a write clears it away, ten at a time; here it stays to be met.
        settings = {"cull_limit": 0} if state == "expired" else {}
        self.cache = self._exit.enter_context(result_cache.opened(folder, **settings))
        self._lifetime = result_cache.LIFETIME * (-1 if state == "expired" else 1)
        self._new = state == "cold"
        self._inputs = [
            {name: tensor.cpu().contiguous() for name, tensor in batch.items()} for batch in self.batches
        ]
        self.hits = self.misses = 0
        self._neighbour: result_cache.Neighbour | None = None
        if state == "shared":
            self._neighbour = result_cache.Neighbour(folder)
            self._exit.callback(self._neighbour.close)
            self._neighbour.fill({self._key(): self._computed() for _ in self.batches})
        elif state != "cold":
            for _ in self.batches:
                self._answer()
        self._count = self.hits = self.misses = 0
        self.step = self._answer

    def _answer(self) -> torch.Tensor:
        import torch

        if self._neighbour:
            self._neighbour.wake()
        key = self._key()
        found = self.cache.get(key)
        if found is None:
            self.misses += 1
            found = self._computed()
            self.cache.set(key, found, expire=self._lifetime)
        else:
            self.hits += 1
            self._count += 1
        self.last = torch.from_numpy(found)
        return self.last

    def _key(self) -> bytes:
        """Of the next request; with its number where every request is new."""
        digest = hashlib.sha256(str(self._count).encode() if self._new else b"")
        for name, tensor in self._inputs[self._count % len(self._inputs)].items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.numpy().data)
        return digest.digest()

    def _computed(self) -> Any:
        """The model's answer to the next request, as an array on the host."""
        return self._infer().float().cpu().numpy()

    def figures(self) -> dict[str, float | str]:
        """Of the steps so far. The other process's turns are one reading and one writing each."""
        found = {**super().figures(), "hit rate": self.hits / max(1, self.hits + self.misses)}
        return {**found, "turns of the other": float(self._neighbour.turns)} if self._neighbour else found
