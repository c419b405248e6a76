"""Turns within a step, on workers whose clock is a number."""

from __future__ import annotations

import pytest

from harness import slices
from harness.errors import WorkerFailed
from harness.record import Json


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Computes:
    """A step of so many seconds, which goes on only while it is not stopped."""

    def __init__(self, name: str, seconds: float, clock: Clock, heard: list[str]) -> None:
        self.name, self.left, self._clock, self._heard = name, seconds, clock, heard
        self.stopped = False
        self.killed = False

    def begin(self, command: str, **arguments: object) -> None:
        assert (command, arguments) == ("block", {"steps": 3})

    def ready(self, seconds: float) -> bool:
        assert not self.stopped
        self._heard.append(self.name)
        ran = min(seconds, self.left)
        self._clock.now += ran
        self.left -= ran
        return self.left < 1e-9

    def answer(self, limit: float, command: str) -> Json:
        return {"seconds": [0.0]}

    def stop(self) -> None:
        self.stopped = True
        self._clock.now += 0.001

    def go_on(self) -> None:
        self.stopped = False

    def kill(self) -> None:
        self.killed = True


def workers(*seconds: float) -> tuple[list[Computes], Clock, list[str]]:
    clock, heard = Clock(), list[str]()
    return (
        [Computes(name, each, clock, heard) for name, each in zip("ABC", seconds, strict=False)],
        clock,
        heard,
    )


def each(workers: list[Computes]) -> list[tuple[Computes, int]]:
    """With three steps for each."""
    return [(one, 3) for one in workers]


def test_turns_are_mirrored_and_the_last_one_runs_on_to_its_end() -> None:
    both, clock, heard = workers(4.0, 6.0)
    slices.visits(each(both), 1.0, 100.0, clock)
    assert "".join(heard) == "ABBAABBAB"
    assert clock.now == pytest.approx(10.0, rel=1e-2)


def test_a_step_takes_the_time_for_which_it_was_not_stopped() -> None:
    some, clock, _ = workers(4.0, 6.0, 5.5)
    assert slices.visits(each(some), 1.0, 100.0, clock) == pytest.approx([4.0, 6.0, 5.5], rel=1e-2)


def test_a_step_alone_is_never_stopped() -> None:
    one, clock, heard = workers(4.0)
    assert slices.visits(each(one), 1.0, 100.0, clock) == [4.0]
    assert heard == ["A"]


def test_what_takes_too_long_is_killed_and_the_others_go_on() -> None:
    both, clock, _ = workers(50.0, 6.0)
    late, found = slices.visits(each(both), 1.0, 10.0, clock)
    assert isinstance(late, WorkerFailed)
    assert (late.outcome, late.message) == ("timeout", "block took over 10 s")
    assert both[0].killed
    assert found == pytest.approx(6.0, rel=1e-2)
    assert not both[1].killed


@pytest.mark.parametrize("when", ["begin", "answer"])
def test_a_failed_step_says_how_and_the_others_go_on(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both, clock, _ = workers(4.0, 6.0)
    how = WorkerFailed("crashed: SIGKILL", "the worker ended")

    def fails(*_: object, **__: object) -> Json:
        raise how

    monkeypatch.setattr(both[0], when, fails)
    assert slices.visits(each(both), 1.0, 100.0, clock) == [how, pytest.approx(6.0, rel=1e-2)]


def test_a_run_interrupted_as_it_stops_one_leaves_none_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    both, clock, _ = workers(4.0, 6.0)
    stop = both[0].stop

    def interrupted() -> None:
        stop()
        raise KeyboardInterrupt

    monkeypatch.setattr(both[0], "stop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        slices.visits(each(both), 1.0, 100.0, clock)
    assert not any(one.stopped for one in both)


def test_an_interrupted_run_leaves_none_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    both, clock, heard = workers(4.0, 6.0)
    ready = both[1].ready

    def interrupted(seconds: float) -> bool:
        if len(heard) > 3:
            raise KeyboardInterrupt
        return ready(seconds)

    monkeypatch.setattr(both[1], "ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        slices.visits(each(both), 1.0, 100.0, clock)
    assert not any(one.stopped for one in both)
