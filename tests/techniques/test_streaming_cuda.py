"""How a stream lets go of a batch on CUDA, with the host in the part of the device.

What the job asks of the device is done on the host instead, so its names, and what they hold, are real.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from harness.memory import HostReader
from harness.models._trajectory_job import TrajectoryJob
from harness.models.trajectory import make
from harness.technique import technique

BATCHES = 6


class OnHost(TorchFunctionMode):
    """Whatever is to be on CUDA is on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.pinned = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.Tensor.pin_memory:
            self.pinned += 1
            return args[0]
        named = {name: _host(value) for name, value in (kwargs or {}).items()}
        return func(*map(_host, args), **named)


def _host(value: Any) -> Any:
    asked = isinstance(value, torch.device) and value.type == "cuda"
    return "cpu" if asked or (isinstance(value, str) and value == "cuda") else value


class Watched:
    """A job of a variant, how often it emptied the cache, and the live bytes after each batch."""

    def __init__(self, variant: str, monkeypatch: pytest.MonkeyPatch, device: str = "cuda") -> None:
        self.emptied = 0
        monkeypatch.setattr(torch.cuda, "empty_cache", self.empty)
        plain = make(phase="train", device=device, size="tiny")
        with OnHost() as host:
            job = technique("streaming").variant(variant).apply(plain).build()
            assert isinstance(job, TrajectoryJob)
            self.job = job
            self.trace = HostReader().measure(job)["trace"]
        self.pinned = host.pinned

    def empty(self) -> None:
        self.emptied += 1


@pytest.mark.parametrize(
    ("variant", "empties"),
    [
        ("accumulate", False),
        ("stream", True),
        ("stream-del", False),
        ("stream-empty-cache", True),
        ("stream-neither", False),
    ],
)
def test_the_cache_is_emptied_after_each_batch_by_the_ways_that_say_so(
    variant: str, empties: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The reader runs two steps.
    assert Watched(variant, monkeypatch).emptied == (2 * BATCHES if empties else 0)


@pytest.mark.parametrize("variant", ["stream", "stream-del"])
def test_del_leaves_nothing_of_a_batch(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Watched(variant, monkeypatch).trace == [0] * BATCHES


@pytest.mark.parametrize("variant", ["stream-empty-cache", "stream-neither"])
def test_without_del_one_batch_is_held_until_the_next_and_never_two(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(variant, monkeypatch)
    (held,) = set(watched.trace)
    assert watched.job.batch_bytes <= held < 3 * watched.job.batch_bytes


def test_the_batch_is_deleted_before_the_cache_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else empty_cache() would give nothing back: what is in use stays."""
    plain = make(phase="train", device="cuda", size="tiny")
    with OnHost():
        job = technique("streaming").variant("stream").apply(plain).build()
        # The reader looks at the moment of emptying, in place of the end of the batch.
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: job.on_batch())
        found = HostReader().measure(job)["trace"]
    assert found == [0] * (2 * BATCHES), "once at each emptying, once at each end"


def test_on_the_host_no_cache_is_emptied_and_nothing_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched("stream", monkeypatch, device="cpu")
    assert (watched.emptied, watched.pinned) == (0, 0)
    assert Watched("stream", monkeypatch).pinned == BATCHES, (
        "on CUDA every batch is, so that its copy need not wait"
    )
