"""The job of the phase ``generate``. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, ClassVar

import torch

from harness import clock
from harness.errors import unknown
from harness.workload import ModelJob

# Imported lazily by torch, once something is compiled.
POOL = "torch._inductor.async_compile"

#: Runs of the prompt alone and of the whole, for what is told of prefill and decoding.
REPEATS = 5


class GenerateJob(ModelJob):
    """One step takes a prompt of [batch, length] tokens and generates `new` tokens after it, greedily.

    The prompt goes through the model at once (prefill), then each new token by itself (decode).
    ``options["cache"]`` says what is kept of the tokens before: ``dynamic`` grows the keys and values by a
    token at a time, as is usual; ``static`` writes them into memory that is taken once for the longest
    sequence; ``off`` keeps nothing and computes every token again. ``options["compile"]``, a mode of
    torch.compile, generates code for a step of decoding, in which shapes stay the same; prefill stays eager.

    What ends a text early, its end token, does not end it here: every step is the same work.
    """

    parts: ClassVar[Mapping[str, str]] = {"_next": "data", "_logits": "forward"}

    def prepare(self) -> None:
        workload = self.workload
        self._length, self._new = workload.parameters["length"], workload.parameters["new"]
        self._cache: Any = None
        kept: dict[str, Callable[[], Any]] = {
            "off": lambda: None,
            "dynamic": self._dynamic,
            "static": self._static,
        }
        way = workload.options.get("cache", "dynamic")
        if way not in kept:
            raise unknown("cache of generate", way, kept)
        self._empty = kept[way]
        mode = workload.options.get("compile")
        if mode:
            self._exit.callback(_forget)
        self._decode: Callable[..., Any] = torch.compile(self.model, mode=mode) if mode else self.model
        #: [batch, length + new]: the prompt, and what the last step made of it.
        self.tokens: torch.Tensor | None = None

    def _dynamic(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache()

    def _static(self) -> Any:
        """Taken once and emptied for each prompt: generated code keeps its addresses."""
        from transformers import StaticCache

        if self._cache is None:
            config: Any = self.model.config
            self._cache = StaticCache(config=config, max_cache_len=self._length + self._new)
        self._cache.reset()
        return self._cache

    def _infer(self) -> torch.Tensor:
        self.tokens = self._greedy(self._next()["input_ids"][:, : self._length], self._new)
        return self.tokens

    # Not inference_mode: a static cache would be made of its tensors, which no code outside may write into.
    @torch.no_grad()
    def _greedy(self, prompt: torch.Tensor, new: int) -> torch.Tensor:
        """`prompt` and the `new` tokens that the model finds most likely after it."""
        tokens, cache = prompt, self._empty()
        for _ in range(new):
            chosen = self._logits(tokens, cache).argmax(-1, keepdim=True)
            tokens = torch.cat([tokens, chosen], dim=1)
        return tokens

    def _logits(self, tokens: torch.Tensor, cache: Any) -> torch.Tensor:
        """[batch, vocab] of what follows `tokens`, of which a cache holds all but the new."""
        first = tokens.shape[1] == self._length
        with self.workload.context():
            if cache is None:
                found = self.model(input_ids=tokens, use_cache=False, logits_to_keep=1)
            elif first:
                found = self.model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
            else:
                found = self._decode(
                    input_ids=tokens[:, -1:].contiguous(),
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
        logits: torch.Tensor = found.logits[:, -1]
        return logits

    @torch.no_grad()
    def evidence(self) -> dict[str, torch.Tensor]:
        """[batch, new, vocab]: the logits of each new token, fed the text's own words in place of its own.

        Of tokens that the model chooses itself rounding may change one, and with it all that follow; fed the
        same words, each place can be compared. The first step's prompt, so it is the same for every variant.
        """
        assert self.tokens is not None, "evidence is taken after the first step"
        text, cache = self.batches[0]["input_ids"], self._empty()
        ends = range(self._length, self._length + self._new)
        # Copied: what CUDA graphs give is overwritten by their next replay.
        return {"output": torch.stack([self._logits(text[:, :end], cache).clone() for end in ends], dim=1)}

    def figures(self) -> dict[str, float | str]:
        """How long the prompt takes (with the first token), and the rate of the tokens after it."""
        timer = clock.of(self.workload.device)
        prompt = self.batches[0]["input_ids"][:, : self._length]
        prefill, whole = (
            median(timer.block(lambda new=new: self._greedy(prompt, new), REPEATS))  # type: ignore[misc]
            for new in (1, self._new)
        )
        found = {**super().figures(), "prefill s": prefill}
        if whole > prefill:
            found["decoded tokens/s"] = self.samples * (self._new - 1) / (whole - prefill)
        return found

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        layers = getattr(self._cache, "layers", ())
        kept = [each for layer in layers for each in (layer.keys, layer.values) if each is not None]
        return {**super().tensors(), "cache": kept}


def _forget() -> None:
    """Compiled code and the compiler's own processes go."""
    torch.compiler.reset()
    if pools := sys.modules.get(POOL):
        pools.shutdown_compile_workers()
