"""A session: batch after batch, under each condition, every tool in turn on the same plants."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trust import load, process
from trust.journal import Journal, Json
from trust.tools import NAMED, TOOLS
from trust.verdicts import FAILED, PLANTS, Plant, Verdict, batch
from trust.workloads import NOTHING, WORKLOADS

#: A step of this many seconds or more is measured in batches of its own, and gets so many steps a verdict: of
#: ours five launches, in each of which both sides build, take a first step, warm up and are timed for two,
#: and some to spare where a neighbour takes a part of the core.
SLOW, SLOW_STEPS = 1.0, 50
#: asv's best setting: it starts 20 processes for each workload.
SLOWEST_TOOL = "asv-best"
#: Slow workloads are in so many batches at most: one verdict on 12 s takes ten minutes.
SLOW_BATCHES = 2


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    works: tuple[str, ...]
    tools: tuple[str, ...]
    conditions: tuple[str, ...]
    each: float
    """Seconds for a verdict."""
    batches: int
    budget: float | None = None
    """Seconds for a condition: no further batch is begun that would not end within them."""
    shares: tuple[float, ...] = PLANTS
    dealt: bool = False
    """Each workload under one of the conditions, in turn, in place of all under each."""
    slow_once: bool = False
    """Slow workloads under the last condition alone."""
    every: int = 1
    """The slowest tool gets every so many of the workloads; of more than one, none that is slow, and where
    workloads are dealt those of the last condition."""

    def under(self, condition: str) -> tuple[str, ...]:
        """The workloads that are measured under `condition`."""
        if self.dealt:
            return self.works[self.conditions.index(condition) :: len(self.conditions)]
        if self.slow_once and condition != self.conditions[-1]:
            return tuple(work for work in self.works if not is_slow(work))
        return self.works

    def comparisons(self, condition: str) -> int:
        """Verdicts of each tool."""
        return sum(self.times(work) for work in self.under(condition))

    @property
    def expected(self) -> float:
        """Seconds in all, if every tool kept to `each`."""
        return sum(part.seconds * len(part.plants) for part in self.parts())

    def parts(self) -> Iterator[Part]:
        for condition in self.conditions:
            for number in range(self.batches):
                yield from parts(self, condition, number)

    def times(self, work: str) -> int:
        """How many batches have `work`."""
        return min(self.batches, SLOW_BATCHES) if is_slow(work) else self.batches

    def allowed(self, work: str) -> float:
        """Seconds for a verdict on `work`."""
        return max(self.each, SLOW_STEPS * WORKLOADS[work].seconds) if is_slow(work) else self.each


def is_slow(work: str) -> bool:
    return WORKLOADS[work].seconds >= SLOW


@dataclass(frozen=True)
class Part:
    """One tool on one batch under one condition."""

    condition: str
    number: int
    tool: str
    plants: Sequence[Plant]
    seconds: float

    @property
    def key(self) -> Json:
        return {"kind": "verdicts", "condition": self.condition, "batch": self.number, "tool": self.tool}


def parts(asked: Asked, condition: str, number: int) -> Iterator[Part]:
    """Each tool on the batch, another first each time; then on each slow workload, a part of its own."""
    works = asked.under(condition)
    plants = [one for one in batch(number, works, asked.shares) if number < asked.times(one.work)]
    slow = [one for one in plants if is_slow(one.work)]
    quick = [one for one in plants if one not in slow]
    if quick and number == 0:
        quick.append(Plant(NOTHING.name, 0.0))
    turn = number % len(asked.tools)
    tools = (*asked.tools[turn:], *asked.tools[:turn])
    for tool in tools:
        some = quick
        if tool == SLOWEST_TOOL and asked.every > 1:
            some = quick[:: asked.every] if not asked.dealt or condition == asked.conditions[-1] else []
        if some:
            yield Part(condition, number, tool, some, asked.each)
    for tool in tools:
        for one in slow if tool != SLOWEST_TOOL or asked.every == 1 else ():
            yield Part(condition, number, f"{tool}: {one.work}", [one], asked.allowed(one.work))


def run(asked: Asked, journal: Journal, say: Callable[[str], None] = print) -> None:
    """Measures what the journal lacks."""
    before = dict(os.environ)
    os.environ.update(process.environment())
    try:
        for condition in asked.conditions:
            _condition(asked, condition, journal, say)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _condition(asked: Asked, condition: str, journal: Journal, say: Callable[[str], None]) -> None:
    longest = 0.0
    for number in range(asked.batches):
        spent = sum(one["wall"] for one in journal.lines if one["condition"] == condition)
        if asked.budget and number and spent + longest > asked.budget:
            say(
                f"{condition}: the next batch would not fit into the budget; {number} of {asked.batches} made"
            )
            return
        for part in parts(asked, condition, number):
            if not journal.has(**part.key):
                journal.append(measured(part))
                say(_line(journal.lines[-1]))
        made = [one for one in journal.lines if (one["condition"], one.get("batch")) == (condition, number)]
        longest = max(longest, sum(one["wall"] for one in made))


def measured(part: Part) -> Json:
    """The line of the journal for `part`. A tool that breaks has failed on all of its plants."""
    with (
        tempfile.TemporaryDirectory(prefix="trust-", ignore_cleanup_errors=True) as scratch,
        load.condition(part.condition),
    ):
        start, cpu = time.monotonic(), time.process_time()
        verdicts = _asked(part, Path(scratch))
        wall, own = time.monotonic() - start, time.process_time() - cpu
    plants = [
        {"work": one.work, "share": one.share, "units": one.units, "truth": one.truth} for one in part.plants
    ]
    return {
        **part.key,
        "allowed": part.seconds,
        "wall": round(wall, 6),
        "own_cpu": round(own, 3),
        "plants": plants,
        "verdicts": [one.as_json() for one in verdicts],
    }


def _asked(part: Part, scratch: Path) -> list[Verdict]:
    """A tool that breaks, or is not installed, has failed on all of them, and says why; the others go on."""
    tool = part.tool.split(":")[0]
    try:
        return TOOLS[tool](part.plants, part.seconds, scratch / "work")
    except Exception as error:
        why = (f"{type(error).__name__}: {error}".splitlines() or [""])[0][:200]
        return [Verdict(row, one.work, FAILED, None, words=why) for row in NAMED[tool] for one in part.plants]


def _line(line: Json) -> str:
    each = line["wall"] / len(line["plants"])
    return f"{line['condition']}, batch {line['batch'] + 1}, {line['tool']}: {each:.1f} s a verdict"
