"""The samples of a run as text beside the page: a file for each benchmark, which any browser opens.

A journal has megabytes of them. Here each launch of a case shows as many steps as the run has room for,
evenly chosen, and names the line of the journal that has all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness import lines, store
from harness.lines import AnyRun, Numbered
from harness.record import OK, Json
from harness.report import cells

#: Times of steps that the files of a run hold together, of about six bytes each; and the fewest of a launch.
ROOM, FEWEST = 60_000, 4
#: Launches of a group that are shown, about, of those that have many more.
LAUNCHES = 100
INTRODUCTION = """\
The samples of {name}, from {run}: {heading}

A line says the kind of launch, its number, and the line of {journal} in that folder that has all of it.
Times of steps are in ms, in the order they were taken; a | parts the blocks, between which baseline and
variants took turns.
"""


def file_of(benchmark: str) -> str:
    """The name of a benchmark's file; a benchmark's name may hold anything."""
    mark = hashlib.sha256(benchmark.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9+.-]', '-', benchmark)[:60].strip('.')}-{mark}.txt"


def write(run: AnyRun, folder: Path) -> None:
    """Writes the file of every benchmark of `run` into `folder`."""
    benchmarks: dict[str, list[str]] = {}
    for group in run.groups:
        benchmarks.setdefault(group[0].benchmark, []).append(group[0].group)
    by_group = lines.by_group(run.launches)
    where = "/".join(run.folder.resolve().parts[-3:])
    for name, groups in benchmarks.items():
        about = {"name": name, "run": where, "heading": cells.heading(run.info), "journal": store.JOURNAL}
        made = [by_group.get(group, ()) for group in groups]
        shown = [numbered for several in made for numbered in several[:: len(several) // LAUNCHES or 1]]
        text = [INTRODUCTION.format(**about)]
        if len(shown) < (count := sum(map(len, made))):
            text += [f"Of {count} launches {len(shown)} are shown, evenly chosen; {store.JOURNAL} has all."]
        text += _cases(shown, ROOM // len(benchmarks))
        (folder / file_of(name)).write_text("\n".join(text) + "\n", encoding="utf-8")


def _cases(launches: Sequence[Numbered], room: int) -> Iterator[str]:
    """Each case of a benchmark, and beneath it what each launch gave."""
    most = _most((launch for _, launch in launches), room)
    taken: dict[str, list[str]] = {}
    for line, launch in launches:
        for record in launch["records"]:
            taken.setdefault(record["case"], []).extend(_told(launch, record, line, most))
    for case, told in taken.items():
        yield from ("", case, *told)


def _most(launches: Iterable[Json], room: int) -> int:
    """Steps to show of each launch of a case, so that all find room."""
    steps = sorted(
        sum(map(len, blocks))
        for launch in launches
        for record in launch["records"]
        if (blocks := record.get("blocks"))
    )
    for number, count in enumerate(steps):
        each = room // (len(steps) - number)
        if count > each:
            return max(FEWEST, each)
        room -= count
    return max(steps, default=FEWEST)


def _told(launch: Json, record: Json, line: int, most: int) -> Iterator[str]:
    """One launch of a case: what it measured, and beneath it the times of its steps."""
    facts = list(_facts(launch, record))
    blocks: Sequence[Sequence[float]] = record.get("blocks") or ()
    count = sum(map(len, blocks))
    every = -(-count // most) if count else 1
    if count:
        facts.append(f"{count} steps" + (f", one in {every} shown" if every > 1 else ""))
    yield f"  {launch['kind']}, launch {launch['launch'] + 1} (line {line}): {'; '.join(facts)}"
    if count:
        yield "    " + _steps(blocks, every)


def _steps(blocks: Sequence[Sequence[float]], every: int) -> str:
    shown, seen = [], 0
    for block in blocks:
        chosen = block[-seen % every :: every]
        seen += len(block)
        if chosen:
            shown.append(" ".join(f"{1e3 * seconds:.4g}" for seconds in chosen))
    return " | ".join(shown)


def _facts(launch: Json, record: Json) -> Iterator[str]:
    if record["outcome"] != OK:
        yield " ".join(f"{record['outcome']} {record.get('message') or ''}".split())
    if launch.get("noisy"):
        yield f"noisy: {launch['noisy']}"
    if record.get("first_step"):
        yield f"first step {1e3 * record['first_step']:.4g} ms"
    memory: Mapping[str, object] = record.get("memory") or {}
    yield from (f"{name} {value:,} B" for name, value in memory.items() if isinstance(value, int))
    quality: Json = record.get("quality") or {}
    if quality:
        yield f"{quality.get('metric')} {_short(quality.get('value'))}"
    equality: Json = record.get("equality") or {}
    if equality:
        told = f"{equality.get('metric')} {_short(equality.get('value'))}"
        yield f"against the baseline: {told}, tolerance {_short(equality.get('tolerance'))}"
    figures: Mapping[str, float | str] = record.get("figures") or {}
    yield from (f"{name} {_short(value)}" for name, value in figures.items())


def _short(value: float | str | None) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
