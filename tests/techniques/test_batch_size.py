"""A step holds as many samples as asked, and its speedup is of the time per sample."""

from __future__ import annotations

import pytest

from harness import summary
from harness.technique import technique
from tests import handmade
from tests.techniques.conftest import first_step, tiny

BATCH = technique("batch-size")


@pytest.mark.parametrize("size", ["1", "4", "16"])
@pytest.mark.parametrize("model", ["gpt2", "vit", "resnet"])
def test_a_step_holds_as_many_samples(size: str, model: str) -> None:
    job = BATCH.variant(size).apply(tiny(model, "infer")).build()
    assert job.samples == int(size) == len(job.step())


def test_what_was_done_to_the_workload_before_stays() -> None:
    edited = tiny("gpt2").edited(lambda model: model).with_options(way="mine")
    again = BATCH.variant("4").apply(edited)
    assert (again.edits, dict(again.options)) == (edited.edits, {"way": "mine"})
    first_step(again)


def test_the_speedup_is_of_the_time_per_sample() -> None:
    """Four samples in twice the time are twice as fast."""
    cases = handmade.group("1", "4", benchmark="batch-size", technique="batch")
    launches = handmade.timed(cases, [{"1": 1.0, "4": 2.0}] * 3)
    for launch in launches:
        for record in launch["records"]:
            record["samples"] = int(record["variant"])
    row = summary.summarise(handmade.run(cases, launches=launches))[1]
    assert row.speedup
    assert row.speedup.point == pytest.approx(2.0)
    assert row.timing
    assert row.timing.step.point == pytest.approx(2.0), "the latency of a batch"
