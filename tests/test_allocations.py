"""The replay of allocator events, by hand, and the recording of real ones."""

from __future__ import annotations

import threading

import torch

from harness.allocations import BATCH, END, MEMORY, START, Event, Replay, mark, recording, replay


def events(*steps: tuple[str, int, int] | str) -> list[Event]:
    return [Event(step) if isinstance(step, str) else Event(*step) for step in steps]


def test_a_replay_begins_at_the_start_and_ends_at_the_end() -> None:
    found = replay(
        events(
            *[(MEMORY, 100, 1), (MEMORY, 40, 2), (MEMORY, 7, 3), (MEMORY, -40, 2)],
            START,
            *[(MEMORY, -100, 1), (MEMORY, 30, 4), (MEMORY, 90, 5), BATCH, (MEMORY, -90, 5)],
            *[BATCH, END, (MEMORY, 1000, 6)],
        ),
        resident={1},
    )
    assert found == Replay(peak=20, held=7, trace=[20, -70])


def test_a_step_that_only_frees_has_its_peak_at_its_start() -> None:
    found = replay(events(START, (MEMORY, -10, 1), END))
    assert found == Replay(peak=0, held=0, trace=[])


def test_a_recording_holds_what_was_taken_and_given_back_and_the_marks_in_order() -> None:
    with recording() as found:
        block = torch.empty(1000)
        mark(BATCH)
        del block
    assert [(event.name, event.size) for event in found.events] == [
        (MEMORY, 4000),
        (BATCH, 0),
        (MEMORY, -4000),
    ]
    assert found.events[0].address == found.events[2].address != 0


def test_operations_and_scopes_of_the_job_are_not_recorded_but_what_they_allocate_is() -> None:
    with recording() as found, torch.profiler.record_function("a scope of the job's"):
        (torch.ones(1000) * 2).sum()
    assert {event.name for event in found.events} == {MEMORY}
    assert max(event.size for event in found.events) == 4000


def test_recordings_follow_each_other() -> None:
    for _ in range(3):
        with recording() as found:
            torch.empty(10)
        assert len(found.events) == 2


def test_the_backward_pass_is_recorded_whichever_thread_it_runs_in() -> None:
    weight = torch.ones(1000, requires_grad=True)
    loss = (weight * weight).sum()
    with recording() as found:
        loss.backward()
    assert weight.grad is not None
    assert any(event.address == weight.grad.untyped_storage().data_ptr() for event in found.events)


def test_other_threads_of_the_job_are_not_recorded() -> None:
    """A known limit, which the module states; should torch lift it, the module can say so."""
    with recording() as found:
        thread = threading.Thread(target=lambda: torch.empty(12345))
        thread.start()
        thread.join()
    assert all(abs(event.size) != 4 * 12345 for event in found.events)


def test_a_block_that_holds_resident_tensors_is_not_counted_again() -> None:
    """A mapped file is one block; its tensors begin within it."""
    taken = events((MEMORY, 100, 1000), (MEMORY, 50, 2000), START, END)
    assert replay(taken, resident={1008, 1060}).held == 50
    assert replay(taken, resident={999, 1100, 2049}).held == 100
