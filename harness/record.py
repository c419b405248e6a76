"""What is stored: cases, launches and outcomes. A leaf: the standard library only.

A launch is one line of a run's journal, ``records.jsonl``::

    {"schema": 1, "kind": "time", "group": "mixed-precision/gpt2-train/batch=4@cpu",
     "baseline": "fp32", "launch": 0, "started": "2026-01-31T12:00:00+00:00", "seconds": 4.2,
     "conditions": {...}, "noisy": "", "records": [{record}, ...]}

and a record is what that launch gave for one case. Keys by kind, all seconds and bytes:

``time``     ``first_step``; ``warmup`` [s]; ``threads`` that compute; ``blocks`` [[s per step, ...], ...]:
             one list per visit, of thousands of steps every n-th; visits 2r and 2r+1 form round r, or
             a last one alone, of steps that took turns within;
             ``visits`` [order index of each block within the launch]; ``equality`` {metric, value,
             tolerance, ok}; ``cold_cache``; ``build_seconds``; ``runner``, what the runner used of a core
             while this worker was timed; ``slice``, seconds of a turn, where steps took turns within a step
``memory``   ``memory`` {peak, reserved, weights, gradients, optimizer, batch, resident, trace: [live
             bytes after each batch], batch_bytes, elements}, ``host`` {start_rss, peak_rss, and of
             processes that the step started children}; of the baseline also ``flops`` and
             ``minimum_bytes`` of a step, and of a variant with ``own_work``
``quality``  ``quality`` {metric, value, finite, curve}; lower is better

Of any kind also ``figures`` {name: number or word}, where the job has something of its own to tell: a hit
rate, a share of time, the name of a bottleneck. Of kind ``memory`` also ``part:data``, ``part:forward``,
``part:backward``, ``part:optimizer`` and ``part:other``: the seconds of a step, by `harness.parts`.

Every record has ``case`` (its id), ``variant``, ``outcome`` and ``message``, and if its worker was built
``samples`` per step, ``own_work`` (not its baseline's), ``build_seconds``, ``cold_cache``,
``parameters``, ``parameter_bytes``, ``start_rss``.
A memory record has ``first_step`` too: that launch is the first, so what compiles does it cold there. A case
that has failed for good (out of memory, timeout, unsupported) is left out of the launches after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1

#: The kinds of launch. Memory is never read while timing, so each kind has launches of its own.
KINDS = ("memory", "time", "quality")

#: What a workload's step does.
PHASES = ("train", "infer", "generate", "load", "serve", "kernel")

OK = "ok"
OUT_OF_MEMORY = "out-of-memory"
TIMEOUT = "timeout"
WRONG_RESULT = "wrong-result"

Json = dict[str, Any]


def crashed(how: str) -> str:
    """The outcome of a worker that ended by itself: a signal's name or an exception's."""
    return f"crashed: {how}"


def unsupported(reason: str) -> str:
    """The outcome of a variant that cannot run here; `reason` says what is missing and what mends it."""
    return f"unsupported: {reason}"


@dataclass(frozen=True)
class Case:
    """One cell: benchmark x workload x parameters x variant x device."""

    benchmark: str
    variant: str
    baseline: str
    model: str
    phase: str
    device: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    technique: str = ""
    """Whose claims speak about it; empty if the benchmark has its technique's name."""

    @property
    def workload(self) -> str:
        """The workload's name, as claims and tables write it: ``gpt2-train``."""
        return f"{self.model}-{self.phase}"

    @property
    def group(self) -> str:
        """Identifies the cases that are measured together: all of the id but the variant."""
        shown = ",".join(f"{key}={value}" for key, value in self.parameters.items())
        return "/".join(part for part in (self.benchmark, self.workload, shown) if part) + f"@{self.device}"

    @property
    def id(self) -> str:
        """Unique within a run, stable between runs: ``mixed-precision/gpt2-train/batch=4@cpu#bf16``."""
        return f"{self.group}#{self.variant}"

    @property
    def is_baseline(self) -> bool:
        return self.variant == self.baseline

    def as_json(self) -> Json:
        return {
            "benchmark": self.benchmark,
            "variant": self.variant,
            "baseline": self.baseline,
            "model": self.model,
            "phase": self.phase,
            "device": self.device,
            "parameters": dict(self.parameters),
            "technique": self.technique,
        }

    @classmethod
    def from_json(cls, data: Json) -> Case:
        """Raises KeyError for a missing field; fields of a later minor version are ignored."""
        names = ("benchmark", "variant", "baseline", "model", "phase", "device")
        found = {name: str(data[name]) for name in names}
        return cls(
            **found, parameters=dict(data.get("parameters", {})), technique=str(data.get("technique", ""))
        )
