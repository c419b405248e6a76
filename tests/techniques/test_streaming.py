"""Streaming gives the results of accumulating, in memory that does not grow; and a leak would be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from harness import benchmark, equal
from harness.growth import prefix_slopes
from harness.memory import HostReader
from harness.models._trajectory_job import TrajectoryJob
from harness.models.trajectory import make
from harness.technique import stack, technique
from harness.workload import Job

STREAMING = technique("streaming")


def job_of(variant: str, **given: Any) -> TrajectoryJob:
    plain = make(phase="train", **{"size": "tiny", **given})
    job = STREAMING.variant(variant).apply(plain).build()
    assert isinstance(job, TrajectoryJob)
    return job


def slopes(job: TrajectoryJob) -> list[float]:
    """Growth of memory per batch at every prefix of the run, in batches' embeddings."""
    return [value / job.batch_bytes for value in prefix_slopes(HostReader().measure(job)["trace"])]


WAYS: Sequence[dict[str, Any]] = [
    {},
    {"adapt": "lora"},
    {"vae": True},
    {"epochs": 2},
    {"images": 11},
]


@pytest.mark.parametrize("given", WAYS)
def test_both_ways_train_the_same(given: dict[str, Any]) -> None:
    one, other = job_of("accumulate", **given), job_of("stream", **given)
    for _ in range(2):
        one.step()
        other.step()
        found = equal.equality(
            equal.evidence(one), equal.evidence(other), STREAMING.variant("stream").tolerance
        )
        assert found["ok"], found
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    assert all(torch.allclose(trained, expected, rtol=1e-5) for expected, trained in pairs)


@pytest.mark.parametrize("adapt", ["none", "lora"])
def test_accumulating_grows_by_a_batchs_embeddings_with_every_batch(adapt: str) -> None:
    found = slopes(job_of("accumulate", adapt=adapt))
    assert len(found) == 3, "prefixes of 4, 5 and 6 batches"
    assert found == pytest.approx([1.0] * 3, rel=0.1)


@pytest.mark.parametrize("given", WAYS[:4])
def test_a_stream_does_not_grow_at_any_prefix(given: dict[str, Any]) -> None:
    found = slopes(job_of("stream", **given))
    assert len(found) >= 3
    assert max(map(abs, found)) < 0.01


def test_the_peak_of_a_stream_does_not_depend_on_the_size_of_the_data_set() -> None:
    def peak(variant: str, images: int) -> tuple[int, int]:
        job = job_of(variant, images=images)
        found = HostReader().measure(job)
        return found["peak"] - found["resident"], job.batch_bytes

    (few, batch), (many, _) = peak("stream", 8), peak("stream", 16)
    assert abs(many - few) < 0.01 * batch
    (few, _), (many, _) = peak("accumulate", 8), peak("accumulate", 16)
    assert many - few == pytest.approx(4 * batch, rel=0.01)


@pytest.mark.parametrize("variant", ["accumulate", "stream"])
def test_nothing_of_a_step_is_left_after_it(variant: str) -> None:
    class Twice:
        """The job, with its steps as the batches that the reader looks after."""

        samples = 0
        on_batch: Callable[[], None] = staticmethod(lambda: None)

        def __init__(self, job: Job) -> None:
            self.job = job
            self.evidence, self.tensors, self.close = job.evidence, job.tensors, job.close

        def step(self) -> None:
            for _ in range(2):
                self.job.step()
                self.on_batch()

    found = HostReader().measure(Twice(job_of(variant)))
    assert found["trace"] == [0, 0]
    assert found["held"] < 100, "bytes that a step left behind and the next step replaces"


def test_a_planted_leak_is_seen() -> None:
    """A tensor of 2 % of a batch's embeddings kept from each batch: twice what still counts as constant."""
    job, leaked = job_of("stream"), []
    job.on_batch = lambda: leaked.append(torch.empty(job.batch_bytes // 50, dtype=torch.uint8))
    assert slopes(job) == pytest.approx([0.02] * 3, rel=0.05)


def test_keeping_each_batch_by_mistake_is_seen_as_accumulation(monkeypatch: pytest.MonkeyPatch) -> None:
    job, kept = job_of("stream"), []
    train_on = job._train_on
    monkeypatch.setattr(job, "_train_on", lambda embeddings: (kept.append(embeddings), train_on(embeddings)))
    assert slopes(job) == pytest.approx([1.0] * 3, rel=0.01)


def test_a_thousand_images_are_100_352_000_elements() -> None:
    job = job_of("accumulate")
    job.step()
    assert job.elements * 1000 == 100_352_000 * 12
    assert job.batch_bytes == 2 * 100_352 * 4


def test_streaming_stacks_with_other_techniques() -> None:
    """Autocast is around the autoencoder alone, as the source has it: embeddings stay what they were."""
    both = stack("mixed-precision:bf16+streaming:stream")
    plain = make(phase="train", size="tiny", images=8)
    job = both.variant("streaming:stream+mixed-precision:bf16").apply(plain).build()
    baseline = both.variant("none").apply(plain).build()
    for each in (job, baseline):
        each.step()
    found = equal.equality(equal.evidence(baseline), equal.evidence(job), 0.05)
    assert found["ok"], found
    assert found["value"] > 1e-6, "or nothing was cast"
    assert isinstance(job, TrajectoryJob)
    assert max(map(abs, slopes(job))) < 0.01


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_ways_that_only_a_gpu_tells_apart_are_planned_there_alone(device: str) -> None:
    declared = benchmark.discover()["streaming"]
    planned = {tuple(case.variant for case in group) for group in declared.groups("quick", device)}
    assert planned == {("accumulate", "stream") if device == "cpu" else tuple(STREAMING.variants)}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("profile", benchmark.PROFILES)
def test_the_grid_has_three_data_sets_of_six_batches_and_more(profile: str, device: str) -> None:
    found = benchmark.discover()
    every = [found[name] for name in ("streaming", "streaming-growth", "streaming-lora")]
    recipes = [one.workload(group[0]).parameters for one in every for group in one.groups(profile, device)]
    assert all(one["images"] / one["batch"] >= 6 for one in recipes)
    plain = {one["images"] for one in recipes if one["adapt"] == "none" and one["epochs"] == 1}
    assert len(plain) >= 3
    assert any(one["adapt"] == "lora" for one in recipes)
    assert any(one["epochs"] > 1 for one in recipes)
