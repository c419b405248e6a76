"""What the decoders share for the phase ``generate``: a prompt of real text, and greedy tokens after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.models._language import batches
from harness.models._sizes import PHASES, Sizes
from harness.workload import Job, Workload

#: What a decoder can do.
DECODER = (*PHASES, "generate")
#: Tokens that a step generates after the prompt, by the model's size.
NEW = {"tiny": 4, "small": 32, "base": 128, "large": 128}


def sizes(table: Sizes, phase: str) -> Sizes:
    """The model's sizes; in the phase ``generate`` with ``new``, the number of tokens to generate."""
    if phase != "generate":
        return table
    return {name: {**row, "new": NEW[name]} for name, row in table.items()}


def longest(parameters: Mapping[str, Any]) -> int:
    """Tokens of a whole sequence: the prompt and, where any are, those generated after it."""
    return int(parameters["length"]) + int(parameters.get("new", 0))


def generating(workload: Workload) -> Workload:
    """The workload, if its phase is ``generate`` with the job for it; any other as it is."""
    if workload.phase != "generate":
        return workload
    text = {**workload.parameters, "length": longest(workload.parameters)}
    return replace(workload, make_batches=partial(batches, text, workload.seed), make_job=job)


def job(workload: Workload) -> Job:
    from harness.models._generate_job import GenerateJob

    return GenerateJob(workload)
