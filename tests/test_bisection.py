"""The search with measurements that are played: it names the right commit as often as it says."""

from __future__ import annotations

import math
import random

import pytest

from harness.bisection import MOST, find

COMMITS = [f"c{i}" for i in range(13)]


def played(first_slow: int, change: float = 0.05, noise: float = 0.01, seed: int = 0):  # type: ignore[no-untyped-def]
    dice = random.Random(seed)
    return lambda commit: dice.gauss(change if COMMITS.index(commit) >= first_slow else 0.0, noise)


@pytest.mark.parametrize("culprit", range(len(COMMITS)))
def test_every_place_of_the_change_is_found(culprit: int) -> None:
    found = find(COMMITS, played(culprit), error=0.01)
    assert list(found.suspects) == [COMMITS[culprit]]
    assert found.probability >= 0.99
    assert found.effect == pytest.approx(0.05, abs=0.02)


def test_it_is_wrong_no_more_often_than_asked() -> None:
    """Noise as large as the change: one toss of it would be wrong about a third of the time."""
    wrong = sum(
        list(find(COMMITS, played(6, noise=0.05, seed=seed), error=0.1).suspects) != ["c6"]
        for seed in range(150)
        if len(find(COMMITS, played(6, noise=0.05, seed=seed), error=0.1).suspects) == 1
    )
    assert wrong <= 15


def test_noise_takes_more_launches() -> None:
    quiet, noisy = (find(COMMITS, played(6, noise=noise), error=0.05) for noise in (0.002, 0.03))
    launches = [sum(len(step.effects) for step in found.steps) for found in (quiet, noisy)]
    assert launches[0] < launches[1]


def test_without_a_change_nobody_is_named() -> None:
    found = find(COMMITS, played(99), error=0.05)
    assert not found.suspects
    assert "cannot be told from" in found.reason or "is not slower" in found.reason
    assert len(found.steps[0].effects) <= MOST


def test_a_commit_that_cannot_be_measured_stays_among_the_suspects() -> None:
    measure = played(6)
    found = find(COMMITS, lambda commit: None if commit == "c5" else measure(commit), error=0.05)
    assert list(found.suspects) == ["c5", "c6"]
    assert "1 commits before it" in found.reason


def test_one_commit_alone_is_the_one() -> None:
    found = find(COMMITS[:1], lambda commit: math.log(1.2), error=0.05)
    assert list(found.suspects) == ["c0"]
