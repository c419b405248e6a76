"""Work in two processes: what each part gives comes back in order, and a failure is not lost."""

from __future__ import annotations

import os
from functools import partial

import pytest

from harness.report import halves

#: Newer versions of Python warn of a fork beside threads, which the tests' own runner has.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def numbered(number: int) -> tuple[int, int]:
    return number, os.getpid()


def fails() -> tuple[int, int]:
    raise ValueError("no such font")


@pytest.mark.parametrize("count", [4, 7])
def test_every_other_part_is_done_elsewhere(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: True)
    found = halves.each([partial(numbered, number) for number in range(count)])
    assert [number for number, _ in found] == list(range(count))
    assert {process for _, process in found[::2]} == {os.getpid()}
    assert len({process for _, process in found[1::2]} - {os.getpid()}) == 1


def test_without_a_second_core_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: False)
    found = halves.each([partial(numbered, number) for number in range(5)])
    assert found == [(number, os.getpid()) for number in range(5)]


def test_what_fails_elsewhere_fails_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_forks", lambda: True)
    with pytest.raises(RuntimeError, match="no such font"):
        halves.each([partial(numbered, 0), fails, partial(numbered, 2), partial(numbered, 3)])
    with pytest.raises(RuntimeError, match="killed"):
        halves.each([partial(numbered, 0), partial(os._exit, 1), partial(numbered, 2), partial(numbered, 3)])
