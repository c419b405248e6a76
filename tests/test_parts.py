"""Where a step's time goes, with a clock that a test winds."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from harness import clock, parts
from harness.benchmark import model
from harness.parts import Stopwatch
from harness.workload import Workload


class Hand:
    """A clock that only moves when it is wound."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def block(self, step: Any, steps: int) -> list[float]:
        raise AssertionError("parts are marked, not timed in blocks")


class Played:
    """A job whose step takes 1 s of data, 4 forward, 5 backward, 2 optimizer and 3 of no part."""

    parts: ClassVar[dict[str, str]] = {
        "batches": "data",
        "_forward": "forward",
        "_update": "backward",
        "_missing": "nothing",
    }
    _missing = None

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.batches = Batches(hand)
        self.optimizer = Optimizer(hand)
        self.updates = 0

    def step(self) -> None:
        self.optimizer.zero_grad()
        for _ in self.batches:
            self._forward()
            self._update()
        self._hand.time += 3

    def _forward(self) -> None:
        self._hand.time += 4

    def _update(self) -> None:
        self._hand.time += 2
        self.optimizer.step()
        self._hand.time += 3
        self.updates += 1


class Batches:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def __iter__(self) -> Any:
        self._hand.time += 0.5
        yield "batch"
        self._hand.time += 0.5


class Optimizer:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def zero_grad(self) -> None:
        self._hand.time += 0.5

    def step(self) -> None:
        self._hand.time += 1.5


def test_every_second_of_a_step_belongs_to_one_part() -> None:
    hand = Hand()
    found = parts.measure(Played(hand), hand)  # type: ignore[arg-type]
    assert found == {
        "part:other": 3,
        "part:optimizer": 2,
        "part:data": 1,
        "part:forward": 4,
        "part:backward": 5,
    }


def test_the_job_is_left_as_it_was() -> None:
    hand = Hand()
    job = Played(hand)
    before, optimizer = dict(vars(job)), dict(vars(job.optimizer))
    parts.measure(job, hand)  # type: ignore[arg-type]
    assert {**vars(job), "updates": 0} == before
    assert vars(job.optimizer) == optimizer
    assert job.updates == 1, "15 s are more than its patience"


def test_a_step_that_fails_leaves_the_job_as_it_was_too() -> None:
    hand = Hand()
    job = Played(hand)
    job.optimizer.step = lambda: 1 / 0  # type: ignore[method-assign, return-value, assignment]
    before = dict(vars(job))
    with pytest.raises(ZeroDivisionError):
        parts.measure(job, hand)  # type: ignore[arg-type]
    assert vars(job) == before


def test_a_job_that_tells_no_parts_has_none() -> None:
    assert parts.measure(object(), Hand()) == {}  # type: ignore[arg-type]


def test_time_inside_a_marked_method_is_the_inner_ones() -> None:
    hand = Hand()
    watch = Stopwatch(hand.now)

    def inner() -> None:
        hand.time += 2

    def outer() -> None:
        hand.time += 1
        watch.marked(inner, "inner")()

    watch.marked(outer, "outer")()
    assert (watch.seconds["outer"], watch.seconds["inner"]) == (1, 2)


def made(name: str, phase: str, **given: Any) -> Workload:
    return model(name)(phase=phase, size="tiny", **given)


@pytest.mark.parametrize(
    ("name", "phase", "expected"),
    [
        ("gpt2", "train", {"data", "forward", "backward", "optimizer", "other"}),
        ("gpt2", "infer", {"data", "forward", "other"}),
        ("gpt2", "generate", {"data", "forward", "other"}),
        ("trajectory", "train", {"data", "extraction", "forward", "backward", "optimizer", "other"}),
        ("loader", "train", {"data", "forward", "backward", "optimizer", "other"}),
    ],
)
def test_a_real_step_has_its_parts_and_goes_on_after(name: str, phase: str, expected: set[str]) -> None:
    job = made(name, phase).build()
    try:
        job.step()
        found = parts.measure(job, clock.of("cpu"))
        assert {one.removeprefix("part:") for one in found} == expected
        assert all(seconds >= 0 for seconds in found.values())
        assert found["part:forward"] > 0
        job.step()
    finally:
        job.close()
