"""How a figure went over the commits: from what asv stored, and from several stored runs; where it changed.

A change point is where splitting a series explains more of it than a split of the same values in any order
does: binary segmentation by the largest difference of means, on logs, each split held against random orders
of its own values. (The idea of E-divisive, which MongoDB uses for this: Daly et al., ICPE 2020.)
"""

from __future__ import annotations

import ast
import itertools
import json
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from harness import folders, halves, lines, store, summary, units
from harness.record import OK, Json

#: Error of each split, and how many random orders it is held against: with 999 the smallest p is 0.001.
ALPHA, ORDERS = 0.05, 999
#: Fewer commits tell no change from chance: of 7 values, 2 of 35 orders are as extreme as any.
FEWEST = 8
#: A change smaller than this is not worth a mark.
SMALLEST = 0.02
#: asv's names of what is shown, with the words and the unit for it.
METRICS = {"time_step": ("time of a step", units.seconds), "track_peak_memory": ("peak memory", units.size)}


class Point(NamedTuple):
    commit: str
    when: str
    """Something that sorts by time."""
    value: float


class Series(NamedTuple):
    name: str
    """The case."""
    metric: str
    """What the values are, in words: one of METRICS."""
    points: tuple[Point, ...]

    @property
    def show(self) -> units.Show:
        return dict(METRICS.values())[self.metric]

    @property
    def changes(self) -> list[int]:
        """The places in `points` from which on the level is another."""
        return list(change_points(tuple(point.value for point in self.points)))


class History(NamedTuple):
    """All series of one machine."""

    machine: str
    source: str
    info: Json
    """The machine, commit and date, as a run's own."""
    series: tuple[Series, ...]


def read(results: Path) -> list[History]:
    """What is known of every machine under `results`; a series has two commits or more."""
    return [one for one in (*_of_asv(results / "asv"), *_of_runs(results)) if one.series]


def _of_asv(folder: Path) -> Iterator[History]:
    for machine in sorted(path.parent for path in folder.glob("*/machine.json")):
        described = _json(machine / "machine.json")
        commits = [_json(path) for path in sorted(machine.glob("*.json")) if path.name != "machine.json"]
        commits = sorted((one for one in commits if "results" in one), key=lambda one: one.get("date", 0))
        if commits:
            last = commits[-1]
            about = {"model": described.get("cpu"), "cores": described.get("num_cpu", "?")}
            info = {
                "device": "cpu",
                "machine": {"cpu": about, "commit": last.get("commit_hash")},
                "started": _day(last),
            }
            yield History(machine.name, "asv", info, _series(itertools.chain(*map(_asv_points, commits))))


def _json(path: Path) -> dict[str, Any]:
    """Empty for what is not a JSON object: files of asv are asv's, and one that is torn hides no other."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _day(commit: Json) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(commit.get("date", 0) / 1e3, timezone.utc).isoformat(timespec="seconds")


def _asv_points(commit: Json) -> Iterator[tuple[str, str, Point]]:
    """(case, metric, point) for each value of one of asv's files. Another version is another case."""
    columns = commit.get("result_columns", [])
    for benchmark, given in commit["results"].items():
        name, _, method = benchmark.rpartition(".")
        found = dict(zip(columns, given, strict=False))
        if method not in METRICS or not found.get("result"):
            continue
        cells = itertools.product(*found.get("params") or [[]])
        for cell, value in zip(cells, found["result"], strict=False):
            if isinstance(value, (int, float)) and 0 < value < math.inf:
                case = " ".join([name, *map(_plain, cell)])
                version = found.get("version", "1")
                case += "" if version == "1" else f", version {version}"
                yield case, METRICS[method][0], Point(commit["commit_hash"], _day(commit), value)


def _plain(parameter: str) -> str:
    """asv writes a parameter as Python would: with quotes."""
    try:
        return str(ast.literal_eval(parameter))
    except (ValueError, SyntaxError):
        return parameter


def _of_runs(results: Path) -> Iterator[History]:
    """Runs of the same machine and profile, wherever there are several."""
    found = sorted(folders.runs(results), key=lambda folder: (folder.parent.name, folder.name))
    for machine, own in itertools.groupby(found, key=lambda folder: folder.parent.name):
        by_profile: dict[str, list[Path]] = {}
        for folder in own:
            by_profile.setdefault(str(_json(folder / store.RUN).get("profile")), []).append(folder)
        for profile, several in by_profile.items():
            if len(several) > 1:
                points = halves.each([partial(_run_points, folder) for folder in several])
                info = store.header(several[-1]).info
                yield History(machine, f"runs, {profile}", info, _series(itertools.chain(*points)))


def _run_points(folder: Path) -> list[tuple[str, str, Point]]:
    run = lines.glance(folder)
    commit = str(run.info.get("machine", {}).get("commit") or "unknown")
    when = str(run.info.get("started", ""))
    found = []
    for row in summary.summarise(run):
        if row.outcome == OK and row.timing:
            found.append((row.case.id, "time of a step", Point(commit, when, row.timing.step.point)))
        if row.outcome == OK and row.memory:
            found.append((row.case.id, "peak memory", Point(commit, when, row.memory.peak.point)))
    return found


def _series(points: Iterable[tuple[str, str, Point]]) -> tuple[Series, ...]:
    found: dict[tuple[str, str], list[Point]] = {}
    for name, metric, point in points:
        found.setdefault((name, metric), []).append(point)
    ordered = ((key, sorted(several, key=lambda one: one.when)) for key, several in found.items())
    return tuple(Series(*key, tuple(several)) for key, several in ordered if len(several) > 1)


@lru_cache(maxsize=1024)
def change_points(values: tuple[float, ...]) -> tuple[int, ...]:
    """Where the level of positive `values` changes, in order; the same for the same values."""
    return tuple(_changes([math.log(value) for value in values], 0))


def _changes(logs: Sequence[float], start: int) -> list[int]:
    if len(logs) < FEWEST:
        return []
    size, place = _split(logs)
    dice = random.Random(len(logs))
    orders = (dice.sample(logs, len(logs)) for _ in range(ORDERS))
    extreme = sum(_split(order)[0] >= size * (1 - 1e-9) for order in orders)
    step = abs(_mean(logs[place:]) - _mean(logs[:place]))
    if (extreme + 1) / (ORDERS + 1) > ALPHA or step < SMALLEST:
        return []
    return [*_changes(logs[:place], start), start + place, *_changes(logs[place:], start + place)]


def _split(logs: Sequence[float]) -> tuple[float, int]:
    """The largest difference of means on both sides of a place, as if all else were even, and that place."""
    n, whole, left = len(logs), math.fsum(logs), 0.0
    best = (0.0, 1)
    for place in range(1, n):
        left += logs[place - 1]
        difference = abs(left / place - (whole - left) / (n - place))
        best = max(best, (difference * math.sqrt(place * (n - place) / n), place))
    return best


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
