"""What a model needs for the phase ``load``, in which a step reads its weights from files."""

from __future__ import annotations

from dataclasses import replace

from harness.models._sizes import Sizes
from harness.workload import Job, Workload

#: A prompt, just long enough to need every weight.
PROMPT = {"batch": 1, "length": 8}


def prompted(table: Sizes, phase: str) -> Sizes:
    """The model's sizes; in the phase ``load`` with a short prompt."""
    return {name: {**row, **PROMPT} for name, row in table.items()} if phase == "load" else table


def loading(workload: Workload) -> Workload:
    """The workload, if its phase is ``load`` with the job for it; any other as it is."""
    return replace(workload, make_job=job) if workload.phase == "load" else workload


def job(workload: Workload) -> Job:
    from harness.models._load_job import LoadJob

    return LoadJob(workload)
