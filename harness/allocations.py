"""Every block that torch takes from the host's memory and gives back, in order: exact where RSS only guesses.

torch's profiler reports each allocation and release of the thread that it runs in. Of what it can record,
only those and a few marks are: recording all operations as well costs five times the events. It does not
report the release of a block that it has not seen allocated, so what is to be measured runs once before.

Not seen: what other threads of the job allocate (torch propagates the profiler into its own), and the scratch
memory of libraries that torch calls.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

START, BATCH, END = (f"claimbench: {name}" for name in ("start", "batch", "end"))
MEMORY = "[memory]"


class Event(NamedTuple):
    name: str
    """MEMORY, or one of the marks."""
    size: int = 0
    """Bytes taken, negative for bytes given back."""
    address: int = 0


@dataclass(frozen=True)
class Replay:
    """What the events between START and END come to, in bytes."""

    peak: int
    """The highest level above that at START; 0 if it never rose."""
    held: int
    """Live at START, allocated since the recording began, and not among the tensors said to be resident."""
    trace: list[int]
    """The level above that at START, at each BATCH."""


def replay(events: Iterable[Event], resident: Collection[int] = ()) -> Replay:
    """`resident` are the addresses of what is counted elsewhere at START. Pure.

    They are where tensors begin, which may be within a block: a mapped file is one block and holds many.
    """
    elsewhere = sorted(resident)
    live: dict[int, int] = {}
    level = peak = held = 0
    trace: list[int] = []
    for event in events:
        if event.name == START:
            level = peak = 0
            held = sum(size for address, size in live.items() if not _any_within(elsewhere, address, size))
        elif event.name == BATCH:
            trace.append(level)
        elif event.name == END:
            break
        else:
            level += event.size
            peak = max(peak, level)
            _keep(live, event)
    return Replay(peak, held, trace)


def _any_within(addresses: Sequence[int], start: int, size: int) -> bool:
    """Whether one of the sorted `addresses` lies in the block."""
    first = bisect_left(addresses, start)
    return first < len(addresses) and addresses[first] < start + size


def _keep(live: dict[int, int], event: Event) -> None:
    if event.size > 0:
        live[event.address] = event.size
    else:
        live.pop(event.address, None)


@dataclass
class Recording:
    """Filled when the recording ends."""

    events: list[Event] = field(default_factory=list)


@contextlib.contextmanager
def recording() -> Iterator[Recording]:
    """Records this thread's allocations on the host and the marks made meanwhile. Not reentrant."""
    found = Recording()
    _start()
    try:
        yield found
    finally:
        found.events += _stop()


def mark(name: str) -> None:
    """Puts a mark among the events."""
    import torch

    with torch.profiler.record_function(name):
        pass


def _start() -> None:
    """The profiler with marks as the only operations it looks at, which the public one does not offer."""
    import torch
    from torch._C._autograd import _enable_profiler, _prepare_profiler
    from torch._C._profiler import (
        ProfilerActivity,
        ProfilerConfig,
        ProfilerState,
        RecordScope,
        _ExperimentalConfig,
    )

    memory_only = (False, True, False, False, False)
    config = ProfilerConfig(ProfilerState.KINETO, *memory_only, _ExperimentalConfig())
    enable: Any = _enable_profiler  # Its stub lacks the scopes.
    with _quiet():
        unseen = torch.empty(1)
        _prepare_profiler(config, {ProfilerActivity.CPU})
        enable(config, {ProfilerActivity.CPU}, {RecordScope.USER_SCOPE})
        # Releasing an unseen block warns the first time, then every thousandth: let it do so here.
        del unseen


def _stop() -> list[Event]:
    from torch._C._autograd import _disable_profiler

    with _quiet():
        result: Any = _disable_profiler()
    nodes = sorted(_all(result.experimental_event_tree()), key=lambda node: int(node.start_time_ns))
    return [event for node in nodes for event in _event(node)]


def _all(nodes: Iterable[Any]) -> Iterator[Any]:
    """The nodes and all below them: an optimizer's step is a scope of its own."""
    for node in nodes:
        yield node
        yield from _all(node.children)


def _event(node: Any) -> Iterator[Event]:
    if node.name == MEMORY:
        if node.extra_fields.device.type == "cpu":
            yield Event(MEMORY, node.extra_fields.alloc_size, node.extra_fields.ptr or 0)
    elif node.name in (START, BATCH, END):
        yield Event(node.name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of what the profiler's C++ code says reaches stderr meanwhile."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
