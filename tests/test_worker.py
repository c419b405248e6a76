"""What a worker does with a case, in this process; its life as a process is tested with the engine."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import equal, failures
from harness.benchmark import discover
from harness.errors import Unsupported
from harness.record import Json
from harness.worker import Measured

DECLARED = Path(__file__).parent / "declared"


def measured(variant: str, benchmark: str = "faults") -> Measured:
    group = discover(DECLARED)[benchmark].groups("quick", "cpu")[0]
    (case,) = [case for case in group if case.variant == variant]
    return Measured({"case": case.as_json(), "benchmarks": str(DECLARED), "seed": 0, "environment": {}})


def test_a_built_case_tells_its_facts() -> None:
    facts = measured("plain").facts()
    assert (facts["samples"], facts["parameters"], facts["parameter_bytes"]) == (4, 72, 288)
    assert facts["cold_cache"] is True
    assert facts["start_rss"] > 0


def test_warm_up_tells_the_first_step_apart_and_ends_when_steady_or_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = measured("plain")
    steps = iter([9.0, 3.0, 2.0, 1.0, 1.05, 1.0, 1.0])
    monkeypatch.setattr(one.clock, "block", lambda step, count: [step() and next(steps)])
    told = one.warm_up(seconds=100)
    assert (told["first_step"], told["warmup"]) == (9.0, [3.0, 2.0, 1.0, 1.05, 1.0])
    late = measured("plain")
    monkeypatch.setattr(late.clock, "block", lambda step, count: [step() and 1.0])
    assert late.warm_up(seconds=0) == {"first_step": 1.0, "warmup": [], "threads": 0}


def test_a_step_that_computes_can_be_stopped_and_one_that_sleeps_or_has_children_cannot() -> None:
    def warmed(spends: Callable[[], object], **facts: object) -> Json:
        one = measured("plain")
        step = one.job.step
        one.job.step = lambda: (step(), spends())  # type: ignore[method-assign]
        vars(one.job).update(facts)
        return one.warm_up(seconds=0.2)

    assert warmed(lambda: sum(range(3_000_000)))["stoppable"] is True
    assert "stoppable" not in warmed(lambda: sum(range(3_000_000)), spreads=True)
    assert "stoppable" not in warmed(lambda: time.sleep(0.03))


def equality_of(variant: str) -> dict[str, Any]:
    one, other = measured("plain"), measured(variant)
    for each in (one, other):
        each.warm_up(0)
    return other.equality(one.evidence())


def test_the_same_results_are_equal_and_survive_the_pipe() -> None:
    found = equality_of("same")
    assert found["ok"] is True
    assert found["value"] == 0.0


def test_a_result_that_is_off_by_one_percent_is_wrong() -> None:
    found = equality_of("wrong")
    assert found["ok"] is False
    assert found["value"] == pytest.approx(1.01**2 - 1, rel=1e-3), "of the loss, which is a square"


def test_nan_is_wrong_and_said() -> None:
    found = equality_of("nan")
    assert found["ok"] is False
    assert "NaN" in found["message"]


def test_wrong_gradients_are_seen_behind_a_right_loss() -> None:
    right = {"loss": torch.ones(1), "weight": torch.ones(10)}
    wrong = {"loss": torch.ones(1), "weight": torch.ones(10) * 1.1}
    assert equal.equality(right, wrong, 1e-3)["value"] == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize(
    ("variant", "says"),
    [
        ({"loss": torch.ones(1)}, "differ in kind: weight"),
        ({"loss": torch.ones(1), "weight": torch.ones(9)}, "differ in shape"),
    ],
)
def test_results_that_do_not_compare_are_not_equal(variant: dict[str, torch.Tensor], says: str) -> None:
    found = equal.equality({"loss": torch.ones(1), "weight": torch.ones(10)}, variant, 1.0)
    assert found["ok"] is False
    assert says in found["message"]


def test_zero_against_something_is_not_equal() -> None:
    zero, one = {"output": torch.zeros(3)}, {"output": torch.ones(3)}
    assert equal.equality(zero, one, 0.5)["ok"] is False
    assert equal.equality(zero, zero, 0.0)["ok"] is True


def test_a_missing_requirement_is_unsupported_with_the_line_that_installs_it() -> None:
    with pytest.raises(Unsupported, match="pip install 'a-package-nobody-has>=1'"):
        measured("lacks")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (MemoryError(), "out-of-memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
            "out-of-memory",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "out-of-memory"),
        (RuntimeError("shapes differ"), "crashed: RuntimeError"),
        (Unsupported("needs CUDA"), "unsupported: needs CUDA"),
        (
            ModuleNotFoundError("No module named 'peft'", name="peft"),
            "unsupported: needs peft: pip install peft",
        ),
        (
            ModuleNotFoundError("No module named 'torchao.later'", name="torchao.later"),
            "unsupported: needs torchao.later: pip install -U torchao",
        ),
    ],
)
def test_an_exception_is_an_outcome(error: Exception, outcome: str) -> None:
    assert failures.failure(error)["outcome"] == outcome


def test_a_message_is_one_line_and_says_where() -> None:
    try:
        raise ValueError("first line\nsecond line")
    except ValueError as error:
        message = failures.failure(error)["message"]
    assert message.startswith("first line (ValueError in test_worker.py:")
    assert "\n" not in message


def test_a_sample_of_evidence_spans_the_whole_tensor() -> None:
    sample = equal._sample(torch.arange(1_000_000))
    assert len(sample) <= equal.EVIDENCE_VALUES
    assert sample[0] == 0
    assert sample[-1] > 999_000


def test_one_nan_among_many_values_is_seen() -> None:
    values = torch.ones(1_000_000)
    values[123_457] = float("nan")
    assert equal._sample(values)[0].isnan()
    assert equal._sample(torch.tensor([1.0, float("inf")]))[0].isnan()
    assert equal._sample(torch.tensor([2, 3])).tolist() == [2.0, 3.0]
    assert len(equal._sample(torch.ones(0))) == 0


def test_another_result_by_design_is_wrong_where_it_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    other = measured("nan")
    monkeypatch.setattr(other, "variant", replace(other.variant, tolerance=None))
    other.warm_up(0)
    assert other.equality({}) == {
        "metric": "relative L2",
        "value": None,
        "tolerance": 0.0,
        "ok": False,
        "message": "NaN or infinity in the result",
    }


def test_another_result_by_design_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    other = measured("wrong")
    monkeypatch.setattr(other, "variant", replace(other.variant, tolerance=None))
    other.warm_up(0)
    assert other.equality({"loss": ""}) == {}
    assert other.facts()["own_work"] is True


def test_the_parts_of_a_step_are_told_only_where_nothing_is_timed() -> None:
    one = measured("plain")
    one.warm_up(0)
    assert one.figures() == {}
    one.memory()
    assert "part:forward" in one.figures()["figures"]


def warm(variant: str, seconds: float = 1.0) -> Measured:
    one = measured(variant)
    one.warm_up(seconds)
    return one


def test_steps_are_timed_on_the_cpus_of_the_turn_and_nothing_else_is() -> None:
    one, free = warm("plain"), os.sched_getaffinity(0)
    seen: list[set[int]] = []
    one.job.step = lambda: seen.append(os.sched_getaffinity(0))  # type: ignore[method-assign]
    held = one.hold(turn=1)
    one.block(1)
    assert seen[0] == {held["cpus"][0]}
    assert os.sched_getaffinity(0) == free
    assert one.hold(turn=None) == {}
    one.block(1)
    assert seen[1] == free


def test_a_free_cpu_is_looked_for_where_one_thread_steps() -> None:
    one = warm("plain")
    assert one.free(turn=7)["turn"] >= 7
    one._computing = [1, 2]
    assert one.free(turn=7) == {}
    assert warm("plain", seconds=0.0).free(turn=0) == {}


def test_a_thread_beside_the_one_that_steps_has_its_own_cpu() -> None:
    one = warm("plain", seconds=0.0)
    digest = hashlib.sha256
    with ThreadPoolExecutor(1) as pool:

        def both() -> None:
            other = pool.submit(lambda: [digest(bytes(4_000_000)) for _ in range(3)])
            digest(bytes(12_000_000))
            other.result()

        one.job.step = both  # type: ignore[method-assign]
        one.warm_up(1.0)
        found = one.hold(turn=0)
    cpus = os.cpu_count() or 1
    assert found == {} if cpus == 1 else len(set(found["cpus"])) == 2


def test_what_was_not_seen_to_compute_is_not_held() -> None:
    assert warm("plain", seconds=0.0).hold(turn=0) == {}


def test_a_job_that_starts_processes_is_not_held() -> None:
    one = warm("plain")
    one.job.spreads = True  # type: ignore[attr-defined]
    assert one.hold(turn=0) == {}
