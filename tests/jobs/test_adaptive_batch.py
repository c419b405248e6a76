"""A real out-of-memory is survived: it leaves nothing behind, and the job has the batch that was found."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from harness.benchmark import model
from harness.errors import Unsupported
from harness.jobs import adaptive_batch
from harness.jobs.adaptive_batch import AdaptiveJob, Attempt, live_bytes
from tests.techniques.conftest import tiny


def tenths(attempt: Attempt, start: int) -> int:
    """A search that goes down until a step fits."""
    size = start
    while True:
        try:
            return attempt(size)
        except RuntimeError as error:
            if "can't allocate memory" not in str(error):
                raise
        size //= 10
        adaptive_batch.clean()


@pytest.fixture(autouse=True)
def limits_as_before() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_real_failure_is_survived_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive_batch, "BOUND", 96 << 20)
    monkeypatch.setattr(adaptive_batch, "TIMES", 1024)
    job = AdaptiveJob(model("gpt2")(phase="train", size="tiny", length=64), tenths)
    told = job.figures()
    assert told["batch at the start"] == 2048
    assert told["attempts"] > 1, "it did run out of memory"  # type: ignore[operator]
    assert 1 <= told["batch found"] < 2048  # type: ignore[operator]
    assert job.samples == told["batch found"]
    assert told["bytes left behind"] == 0
    assert torch.isfinite(job.step())


def test_what_a_search_leaves_behind_is_told() -> None:
    kept = []

    def careless(attempt: Attempt, start: int) -> int:
        kept.append(torch.zeros(1000))
        return attempt(2)

    assert AdaptiveJob(tiny("gpt2"), careless).figures()["bytes left behind"] == 4000


def test_an_error_of_the_search_lifts_the_bound() -> None:
    def failing(attempt: Attempt, start: int) -> int:
        raise Unsupported("not even one sample")

    with pytest.raises(Unsupported, match="not even one sample"):
        AdaptiveJob(tiny("gpt2"), failing)


def test_what_techniques_have_set_is_kept() -> None:
    workload = tiny("gpt2").telling(lambda model: {"layers": 2.0})
    workload = replace(workload, make_optimizer=torch.optim.SGD)
    job = AdaptiveJob(workload, lambda attempt, start: attempt(3))
    assert isinstance(job.optimizer, torch.optim.SGD)
    assert (job.figures()["layers"], job.figures()["batch found"], job.samples) == (2.0, 3, 3)


def test_a_model_without_a_batch_says_so() -> None:
    workload = tiny("gpt2")
    parameters = {name: value for name, value in workload.parameters.items() if name != "batch"}
    with pytest.raises(Unsupported, match="gpt2 has no batch"):
        AdaptiveJob(replace(workload, parameters=parameters), tenths)


def test_a_storage_counts_once_however_many_look_at_it() -> None:
    before = live_bytes("cpu")
    whole = torch.zeros(100)
    half, layer = whole[:50], torch.nn.Linear(5, 5, bias=False)
    assert live_bytes("cpu") - before == 400 + 100
    del whole, half, layer
    assert live_bytes("cpu") == before
