"""The job of the requests. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from harness.data import text
from harness.errors import BadInput, unknown
from harness.workload import Workload

#: The stream is drawn beforehand, which no step pays for, and begins anew after so many requests: far more
#: than a cache remembers.
DRAWN = 1 << 18
#: Requests that go before the first step, so that a cache is full and its hit rate is what it stays.
BEFORE = 1 << 13

Ids = tuple[int, ...]


class RequestsJob:
    """One step serves the next requests of the stream: bytes, as they are received, to the ids of tokens.

    ``options["token_cache"]`` is the number of texts that functools.lru_cache keeps; without it none is. Who
    caches has served `BEFORE` requests as steps begin, and each step's requests are the same for all.
    """

    def __init__(self, workload: Workload) -> None:
        for name in workload.options:
            if name != "token_cache":
                raise unknown("option of requests", name, ("token_cache",))
        self.samples = workload.samples
        self.on_batch: Callable[[], None] = lambda: None
        self._exit = ExitStack()
        try:
            for context in workload.during:
                self._exit.enter_context(context())
            self._prepare(workload)
        except BaseException:
            self.close()
            raise

    def _prepare(self, workload: Workload) -> None:
        parameters = workload.parameters
        self.texts = pieces(parameters["texts"], parameters["characters"])
        self.stream = drawn(len(self.texts), parameters["skew"], workload.seed)
        tokenizer = text.tokenizer(parameters["vocab"])
        self._tokenize: Any = lambda words: tuple(tokenizer.encode(words).ids)
        self._place = BEFORE
        self._told = (0, 0)
        self.last: list[Ids] | None = None
        if "token_cache" in workload.options:
            self._tokenize = lru_cache(maxsize=workload.options["token_cache"])(self._tokenize)
            for number in self.stream[: self._place]:
                self._tokenize(self.texts[number].decode())
            self._told = self._hits_and_misses()

    def step(self) -> list[Ids]:
        tokenize, texts = self._tokenize, self.texts
        # Decoded anew for each: a text that was received before is not the same object, and has to be hashed.
        self.last = [tokenize(texts[number].decode()) for number in self._next()]
        self.on_batch()
        return self.last

    def _next(self) -> list[int]:
        """The texts that the next step's requests are for."""
        start, end = self._place, self._place + self.samples
        self._place = end if end + self.samples <= DRAWN else 0
        return self.stream[start:end]

    def evidence(self) -> dict[str, torch.Tensor]:
        """The ids of the step, one text after the other."""
        assert self.last is not None, "evidence is taken after the first step"
        ids = [number for each in self.last for number in (len(each), *each)]
        return {"output": torch.tensor(ids, dtype=torch.float32)}

    def figures(self) -> dict[str, float | str]:
        """Of the requests of all steps so far: the share that a cache had the answer to."""
        hits, misses = (now - then for now, then in zip(self._hits_and_misses(), self._told, strict=True))
        found: dict[str, float | str] = {"different texts": float(len(self.texts))}
        if hits + misses:
            found["hit rate"] = hits / (hits + misses)
        return found

    def _hits_and_misses(self) -> tuple[int, int]:
        info = getattr(self._tokenize, "cache_info", None)
        return info()[:2] if info else (0, 0)

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        return {}

    def close(self) -> None:
        self._tokenize = None
        self._exit.close()


def pieces(count: int, characters: int) -> list[bytes]:
    """So many different texts of that length, in UTF-8: pieces from anywhere in the help topics.

    Raises BadInput where the topics do not yield so many.
    """
    whole = "\n".join(text.topics().values())
    found: dict[bytes, None] = {}
    for start in np.random.default_rng(0).permutation(max(0, len(whole) - characters + 1)).tolist():
        if len(found) == count:
            break
        found[whole[start : start + characters].encode()] = None
    if len(found) < count:
        raise BadInput(f"texts of requests: the help topics have no {count} different ones of {characters}")
    return list(found)


def drawn(texts: int, skew: float, seed: int) -> list[int]:
    """`DRAWN` requests: for each which text it asks for. Frequent texts lie anywhere among the others."""
    generator = np.random.default_rng(seed)
    shares = np.arange(1, texts + 1) ** -skew
    ranks = generator.choice(texts, DRAWN, p=shares / shares.sum())
    found: list[int] = generator.permutation(texts)[ranks].tolist()
    return found
