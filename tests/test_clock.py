"""The clocks, on counters and devices that are played: no test waits, and none asserts on wall time."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import pytest

from harness import clock
from harness.clock import CudaClock, HostClock


class Played:
    """A counter that moves only when told; each reading costs `reading` seconds."""

    def __init__(self, reading: float = 0.0) -> None:
        self.seconds = 0.0
        self.readings = 0
        self._reading = reading

    def __call__(self) -> float:
        self.readings += 1
        self.seconds += self._reading
        return self.seconds

    def step(self, *seconds: float) -> Callable[[], None]:
        """A step that takes these times in turn, the last from then on."""
        left = list(seconds)

        def step() -> None:
            self.seconds += left.pop(0) if len(left) > 1 else left[0]

        return step


def test_each_long_step_is_timed_on_its_own() -> None:
    counter = Played()
    found = HostClock(counter).block(counter.step(0.1, 0.3, 0.2), 3)
    assert found == pytest.approx([0.1, 0.3, 0.2])
    assert counter.readings == 6


def test_short_steps_are_timed_in_groups_of_a_tenth_of_a_millisecond() -> None:
    counter = Played()
    found = HostClock(counter).block(counter.step(1e-6), 1000)
    assert found == pytest.approx([1e-6] * 1000)
    assert counter.readings == 2 * 11, "one step alone, then groups of 100, the last of 99"


def test_the_sum_of_a_block_is_the_time_that_it_took() -> None:
    counter = Played()
    found = HostClock(counter).block(counter.step(5e-6, 9e-5, 1e-3, 2e-6), 500)
    assert len(found) == 500
    assert sum(found) == pytest.approx(counter.seconds)


def test_a_step_that_turns_long_is_timed_alone_again() -> None:
    counter = Played()
    found = HostClock(counter).block(counter.step(5e-5, 5e-5, 5e-5, 1.0), 5)
    assert found[-2:] == pytest.approx([1.0, 1.0])


def test_no_steps_take_no_time() -> None:
    assert HostClock(Played()).block(lambda: None, 0) == []
    assert CudaClock(cuda=PlayedCuda(), counter=Played()).block(lambda: None, 0) == []


def test_a_step_below_the_counters_resolution_is_no_endless_group() -> None:
    assert HostClock(Played()).block(lambda: None, 10) == [0.0] * 10
    assert clock.group_size(0.0) == 100_000


@pytest.mark.parametrize(("seconds", "size"), [(1.0, 1), (1e-4, 1), (9e-5, 2), (1e-5, 10), (1e-6, 100)])
def test_a_group_fills_a_tenth_of_a_millisecond(seconds: float, size: int) -> None:
    assert clock.group_size(seconds) == size


def test_now_is_the_counter() -> None:
    counter = Played(reading=2.0)
    assert [HostClock(counter).now(), HostClock(counter).now()] == [2.0, 4.0]


class PlayedCuda:
    """A device with a queue: launching is free for the host, and time passes on the device alone."""

    def __init__(self) -> None:
        self.done_at = 0.0
        self.heard: list[str] = []

    def work(self, seconds: float) -> Callable[[], None]:
        def launch() -> None:
            self.done_at += seconds

        return launch

    def device(self, name: str) -> PlayedCuda:
        self.heard.append(f"on {name}")
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def synchronize(self, device: str) -> None:
        self.heard.append("synchronize")

    def Event(self, *, enable_timing: bool) -> PlayedEvent:
        assert enable_timing
        self.heard.append("event")
        return PlayedEvent(self)


class PlayedEvent:
    def __init__(self, cuda: PlayedCuda) -> None:
        self._cuda = cuda
        self.at = math.nan

    def record(self) -> None:
        self.at = self._cuda.done_at

    def elapsed_time(self, end: PlayedEvent) -> float:
        return (end.at - self.at) * 1e3


def test_on_cuda_the_devices_time_counts_with_one_synchronize_at_the_end() -> None:
    cuda = PlayedCuda()
    found = CudaClock("cuda:1", cuda, Played()).block(cuda.work(0.25), 4)
    assert found == pytest.approx([0.25] * 4)
    assert cuda.heard == [
        *("on cuda:1", "synchronize"),
        *("event", "event", "synchronize"),
        *(["event"] * 4), "synchronize",
    ]  # fmt: skip


def test_on_cuda_short_steps_share_a_pair_of_events() -> None:
    cuda = PlayedCuda()
    found = CudaClock(cuda=cuda, counter=Played()).block(cuda.work(1e-6), 1000)
    assert found == pytest.approx([1e-6] * 1000)
    assert cuda.heard.count("event") == 2 + 11, "the first step alone, then groups of 100, the last of 99"


def test_on_cuda_now_waits_for_the_device() -> None:
    cuda = PlayedCuda()
    assert CudaClock(cuda=cuda, counter=Played(reading=1.0)).now() == 1.0
    assert cuda.heard == ["synchronize"]


def test_each_device_has_its_clock_and_making_it_touches_no_device() -> None:
    assert isinstance(clock.of("cpu"), HostClock)
    assert isinstance(clock.of("cuda"), CudaClock)
    assert clock.of("cuda:1")._given is None  # type: ignore[attr-defined]


def test_the_overhead_is_the_cost_of_two_readings_over_the_step() -> None:
    counter = Played(reading=1e-6)
    # From reading to reading around 200 empty steps with two readings each: 401 readings' time over 200.
    assert clock.overhead(1e-3, counter) == pytest.approx(401 / 200 * 1e-6 / 1e-3)
    # A step of 10 us is timed in tens: 20 groups with two readings each.
    assert clock.overhead(1e-5, counter) == pytest.approx(41 / 200 * 1e-6 / 1e-5)


def test_the_real_clock_can_tell_microseconds() -> None:
    assert 0 < clock.resolution() < 1e-6
    assert 0 < clock.overhead() < math.inf


def test_a_clock_that_adds_a_tenth_to_each_step_is_biased_by_that() -> None:
    class Slow(HostClock):
        def block(self, step: Callable[[], object], steps: int) -> list[float]:
            return [1.1 * seconds for seconds in super().block(step, steps)]

    counter = Played()
    step = counter.step(0.001)
    assert clock.bias(HostClock(counter), step) == pytest.approx(0, abs=1e-9)
    assert clock.bias(Slow(counter), step) == pytest.approx(math.log(1.1))


def test_the_resolution_is_the_smallest_tick_seen() -> None:
    ticks = iter([0.0, 0.0, 3.0, 3.0, 5.0])
    assert clock.resolution(lambda: next(ticks), readings=5) == 2.0
    assert clock.resolution(lambda: 1.0, readings=5) == math.inf


def test_the_real_clock_measures_a_real_step() -> None:
    (seconds,) = clock.of("cpu").block(lambda: time.sleep(0.01), 1)
    assert seconds >= 0.01, "a sleep may be longer, never shorter"


@pytest.mark.parametrize("steps", [1, 999, 1000, 1001, 4628, 100_000])
def test_of_thousands_of_steps_evenly_chosen_ones_are_stored(steps: int) -> None:
    seconds = [1e-6 * number for number in range(1, steps + 1)]
    found = clock.kept(seconds)
    assert min(steps, clock.STORED // 2) <= len(found) <= clock.STORED
    assert found[0] == seconds[0]
    assert len({round(1e6 * (after - before)) for before, after in itertools.pairwise(found)}) <= 1
