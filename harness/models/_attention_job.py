"""The job of attention alone. Imports torch: only a job that is being built loads it.

Tensors are [batch, length, heads, head], as a layer's projections leave them; each implementation is given
them so, and turns them as it needs to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch

from harness.errors import Unsupported, unknown
from harness.workload import Workload

#: Query, key, value, dropout, causal.
Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float, bool], torch.Tensor]

#: What torch says where the one backend that it is allowed cannot do this.
REFUSALS = ("no available kernel", "no viable backend")


def eager(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, causal: bool
) -> torch.Tensor:
    """Every score of every pair of tokens, written out: two products and a softmax between."""
    query, key, value = (one.transpose(1, 2) for one in (query, key, value))
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if causal:
        size = scores.shape[-2:]
        scores = scores.masked_fill(
            torch.ones(size, dtype=torch.bool, device=scores.device).triu(1), -math.inf
        )
    weights = torch.nn.functional.dropout(scores.softmax(-1), dropout)
    return (weights @ value).transpose(1, 2)


def sdpa(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, causal: bool
) -> torch.Tensor:
    """torch's own, by whichever backends are allowed as it is called."""
    query, key, value = (one.transpose(1, 2) for one in (query, key, value))
    found = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, dropout_p=dropout, is_causal=causal
    )
    return found.transpose(1, 2)


def flex() -> Attend:
    """torch's generated kernels; the blocks above the diagonal are left out where it is causal."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    compiled = torch.compile(flex_attention)
    masks: dict[int, Any] = {}

    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, causal: bool
    ) -> torch.Tensor:
        _no_dropout("flex attention", dropout)
        length = query.shape[1]
        if causal and length not in masks:
            masks[length] = create_block_mask(
                lambda _batch, _head, row, column: row >= column,
                None,
                None,
                length,
                length,
                device=str(query.device),
            )
        query, key, value = (one.transpose(1, 2) for one in (query, key, value))
        found: Any = compiled(query, key, value, block_mask=masks.get(length))
        return found.transpose(1, 2)  # type: ignore[no-any-return]

    return attend


def flash_attn() -> Attend:
    from flash_attn import flash_attn_func

    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, causal: bool
    ) -> torch.Tensor:
        return _output(flash_attn_func(query, key, value, dropout_p=dropout, causal=causal))

    return attend


def flash_attn_3() -> Attend:
    from flash_attn_interface import flash_attn_func

    return _without_dropout("flash-attn-3", flash_attn_func)


def flash_attn_4() -> Attend:
    from flash_attn.cute import flash_attn_func

    return _without_dropout("flash-attn-4", flash_attn_func)


def _without_dropout(name: str, function: Callable[..., Any]) -> Attend:
    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, causal: bool
    ) -> torch.Tensor:
        _no_dropout(name, dropout)
        return _output(function(query, key, value, causal=causal))

    return attend


def _no_dropout(name: str, dropout: float) -> None:
    if dropout:
        raise Unsupported(f"{name} has no dropout; give it a case with dropout=0.0")


def _output(found: Any) -> torch.Tensor:
    """The output alone: some versions give the normalization of the softmax with it."""
    first: torch.Tensor = found[0] if isinstance(found, tuple) else found
    return first


WAYS: Mapping[str, Callable[[], Attend]] = {
    "eager": lambda: eager,
    "sdpa": lambda: sdpa,
    "flex": flex,
    "flash-attn": flash_attn,
    "flash-attn-3": flash_attn_3,
    "flash-attn-4": flash_attn_4,
}


class AttentionJob:
    """Attention by ``options["attention"]``, forward or forward and backward.

    `flops` is what has to be done, as papers of kernels count it: 4 x batch x heads x length^2 x head, two
    and a half times that again backward, half of both if causal. A kernel may do more.
    """

    def __init__(self, workload: Workload) -> None:
        parameters = workload.parameters
        self.samples = workload.samples
        self.on_batch: Callable[[], None] = lambda: None
        self._backward = bool(parameters["backward"])
        self._causal, self._dropout = bool(parameters["causal"]), float(parameters["dropout"])
        way = workload.options.get("attention", "eager")
        if way not in WAYS:
            raise unknown("attention", way, WAYS)
        self._exit = ExitStack()
        try:
            for context in workload.during:
                self._exit.enter_context(context())
            self._attend = WAYS[way]()
            self._make_inputs(workload)
        except BaseException:
            self._exit.close()
            raise
        self.last: torch.Tensor | None = None

    def _make_inputs(self, workload: Workload) -> None:
        """Drawn on the host, so that they are the same on every device."""
        names = ("batch", "length", "heads", "head")
        batch, length, heads, head = (workload.parameters[name] for name in names)
        torch.manual_seed(workload.seed)
        dtype = getattr(torch, workload.parameters["dtype"])
        drawn = [torch.randn(batch, length, heads, head).to(workload.device, dtype) for _ in range(4)]
        self.inputs = [one.requires_grad_(self._backward) for one in drawn[:3]]
        self.gradient = drawn[3] if self._backward else None
        work = 4 * batch * heads * length**2 * head / (2 if self._causal else 1)
        self.flops = int(work * 3.5 if self._backward else work)

    def step(self) -> torch.Tensor:
        return self._run(self._dropout)

    def _run(self, dropout: float) -> torch.Tensor:
        query, key, value = self.inputs
        for one in self.inputs:
            one.grad = None
        try:
            with torch.inference_mode(mode=not self._backward):
                output = self._attend(query, key, value, dropout, self._causal)
        except RuntimeError as error:
            if any(words in str(error).lower() for words in REFUSALS):
                raise Unsupported(f"torch has no such kernel for this: {error}") from error
            raise
        if self._backward:
            output.backward(self.gradient)  # type: ignore[no-untyped-call]
        self.last = output.detach()
        return self.last

    def evidence(self) -> dict[str, torch.Tensor]:
        """Output and gradients; each kernel drops other weights, so where any are, those of a run without."""
        if self._dropout:
            self._run(0.0)
        assert self.last is not None, "evidence is taken after the first step"
        found = {"output": self.last}
        for name, one in zip(("query", "key", "value"), self.inputs, strict=True):
            if one.grad is not None:
                found[name] = one.grad
        return found

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        return {
            "weights": [],
            "gradients": [one.grad for one in self.inputs if one.grad is not None],
            "optimizer": [],
            "batch": [*self.inputs, *([] if self.gradient is None else [self.gradient])],
        }

    def close(self) -> None:
        self._exit.close()
