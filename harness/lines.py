"""Launches by group: held in memory, or parsed from their journal whenever they are asked for.

160 MB of a journal take 0.6 GB once they are parsed. Who judges or draws needs one group at a time: its lines
are parsed where that is done, in either process, and let go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import overload

from harness import store
from harness.record import Case, Json

#: A launch, and its line in the journal, from 1.
Numbered = tuple[int, Json]
#: Where a line names its group, which stands before its records.
GROUP = re.compile(rb'"group": ?("(?:[^"\\]|\\.)*")')
HEAD = 500


@dataclass(frozen=True)
class Lines(Sequence[Numbered]):
    """Lines of a journal. To go through them parses them, and raises BadInput for a foreign one."""

    path: Path
    places: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each its number, where it begins and how long it is, bytes."""

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Numbered: ...

    @overload
    def __getitem__(self, index: slice) -> Lines: ...

    def __getitem__(self, index: int | slice) -> Numbered | Lines:
        if isinstance(index, slice):
            return Lines(self.path, self.places[index])
        return next(iter(Lines(self.path, [self.places[index]])))

    def __iter__(self) -> Iterator[Numbered]:
        with store.read_errors(self.path), open(self.path, "rb") as journal:
            for number, start, length in self.places:
                journal.seek(start)
                yield number, store.parsed(journal.read(length), self.path, number)


@dataclass(frozen=True)
class Launches:
    """All of a journal, in no order but that of its groups."""

    groups: Mapping[str, Lines]

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))


@dataclass(frozen=True)
class Glance:
    """A stored run, its launches still on the disk."""

    folder: Path
    info: Json
    launches: Launches
    warnings: list[str]

    @property
    def groups(self) -> list[list[Case]]:
        return store.planned(self.info)


#: What can be judged and drawn.
AnyRun = store.Run | Glance


def glance(folder: Path | str) -> Glance:
    """A stored run. Raises BadInput for what is missing or foreign; for a launch when it is asked for."""
    run = store.header(folder)
    path = run.folder / store.JOURNAL
    groups: dict[str, Lines] = {}
    start = 0
    if path.exists():
        with store.read_errors(path), open(path, "rb") as journal:
            for number, line in enumerate(journal, 1):
                if line.endswith(b"\n"):
                    lines = groups.setdefault(_group(line, path, number), Lines(path))
                    lines.places.append((number, start, len(line)))
                else:
                    run.warnings.append(store.torn(path))
                start += len(line)
    return Glance(run.folder, run.info, Launches(groups), run.warnings)


def _group(line: bytes, path: Path, number: int) -> str:
    head = line[:HEAD]
    found = GROUP.search(head)
    if found is None or b'"records"' in head[: found.start()]:
        return str(store.parsed(line, path, number)["group"])
    return _name(found[1])


@lru_cache(maxsize=1024)
def _name(text: bytes) -> str:
    return str(json.loads(text))


def by_group(launches: Launches | Sequence[Json]) -> Mapping[str, Sequence[Numbered]]:
    """The launches of each group, in the order in which they were made."""
    if isinstance(launches, Launches):
        return launches.groups
    found: dict[str, list[Numbered]] = {}
    for number, launch in enumerate(launches, 1):
        found.setdefault(launch["group"], []).append((number, launch))
    return found
