"""Which commit made it slower: a bisection whose every step is measured until it is sure. Torch-free, pure.

A step asks whether a commit is on the slow side of the middle between good and bad (of logs). Launches are
added one by one; after each, Student's t test is looked at once more. The error of the whole is split evenly
over the steps, and that of a step over its looks as 6 / (pi k)^2, whose sum is 1: by Boole's inequality the
chance of any wrong turn is at most the error asked for, however often is looked (launches taken as normal and
independent). It supposes that one commit made the change; of several, it finds where half of it was passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

#: A t test over fewer launches says nothing.
FEWEST = 3
#: A step that is not sure after so many launches is given up.
MOST = 40

#: One more launch of a commit: log(its time / good's), or None if it cannot be measured.
Measure = Callable[[str], "float | None"]


@dataclass(frozen=True)
class Step:
    """One commit, judged. `slow` is None if it could not be told or measured."""

    commit: str
    slow: bool | None
    effects: Sequence[float]


@dataclass(frozen=True)
class Found:
    suspects: Sequence[str]
    """The commit; several if those between could not be told."""
    probability: float
    """At least so sure that it is among the suspects."""
    effect: float
    """log(bad / good)."""
    steps: Sequence[Step] = field(default=())
    reason: str = ""


def find(commits: Sequence[str], measure: Measure, error: float) -> Found:
    """The first slow one of `commits`, which follow the good one, oldest first; the last is the bad one."""
    each = error / (math.ceil(math.log2(len(commits))) + 1)
    end = _judge(commits[-1], measure, 0.0, each)
    steps = [end]
    if not end.slow:
        why = "is not slower than" if end.slow is False else "cannot be told from"
        return Found([], 1 - each, _mean(end), steps, f"the bad commit {why} the good one")
    middle, low, high = _mean(end) / 2, 0, len(commits) - 1
    lost: set[str] = set()
    while rest := [i for i in range(low, high) if commits[i] not in lost]:
        # The one nearest to the middle of what is left; `high` is slow, those before `low` are not.
        tried = min(rest, key=lambda i: abs(i - (low + high - 1) / 2))
        step = _judge(commits[tried], measure, middle, each)
        steps.append(step)
        if step.slow is None:
            lost.add(commits[tried])
        elif step.slow:
            high = tried
        else:
            low = tried + 1
    told = sum(step.slow is not None for step in steps)
    return Found(
        commits[low : high + 1], 1 - told * each, _mean(end), steps, _untold(lost, commits[low:high])
    )


def _untold(lost: set[str], between: Sequence[str]) -> str:
    count = len(lost.intersection(between))
    return f"{count} commits before it could not be told or measured" if count else ""


def _mean(step: Step) -> float:
    return fmean(step.effects) if step.effects else 0.0


def _judge(commit: str, measure: Measure, threshold: float, error: float) -> Step:
    effects: list[float] = []
    while len(effects) < MOST:
        value = measure(commit)
        if value is None:
            break
        effects.append(value)
        look = len(effects) - FEWEST + 1
        if look > 0 and _wrong(effects, threshold) <= error * 6 / (math.pi * look) ** 2:
            return Step(commit, fmean(effects) > threshold, effects)
    return Step(commit, None, effects)


def _wrong(effects: Sequence[float], threshold: float) -> float:
    """The chance of a mean so far from the threshold, if in truth it lay on the other side of it."""
    from scipy.stats import t

    distance, deviation = abs(fmean(effects) - threshold), stdev(effects)
    if not deviation:
        return 0.0 if distance else 1.0
    n = len(effects)
    return float(t.sf(distance / deviation * math.sqrt(n), n - 1))
