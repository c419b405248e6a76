"""``compare --bisect GOOD BAD CASE``: which commit made a case slower, with a stated probability."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness import (
    bisection,
    checkouts,
    commands_compare,
    comparing,
    launch,
    machine,
    precision,
    scratch,
    stats,
)
from harness.comparing import Asked, Cell, Pair
from harness.conditions import alone
from harness.engines.elsewhere import ElsewhereEngine
from harness.engines.warm_process import Side
from harness.errors import BadInput, unknown
from harness.record import Case, Json
from harness.report import comparison as shown
from harness.settings import Settings
from harness.store import Journal, utc_now


def run(options: argparse.Namespace) -> int:
    """Exit code 1 if no commit could be named."""
    good, bad, wanted = options.bisect
    if not 0 < options.error < 0.5:
        raise BadInput(f"--error {options.error}: a chance between 0 and 0.5")
    if options.sides or options.python or options.resume:
        raise BadInput("--bisect stands alone: compare --bisect GOOD BAD CASE")
    options.sides, settings = [good, bad], commands_compare.settings(options)
    repo = checkouts.repository()
    commits = checkouts.between(repo, checkouts.resolve(repo, good), checkouts.resolve(repo, bad))
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(scratch.folder())
        both = stack.enter_context(commands_compare.sides(options))
        pair = stack.enter_context(
            comparing.pair(both, commands_compare.asked(options, [wanted.split("/")[0]], both), place)
        )
        search = stack.enter_context(
            _search(options, pair, _cell(pair, wanted), repo, commits, place, settings)
        )
        found = bisection.find(commits, search.measure, options.error)
        search.journal.finish()
    told = shown.bisected(found, {one: checkouts.subject(repo, one) for one in found.suspects})
    said = {**told, "folder": search.journal.run.folder.as_posix()}
    print(json.dumps(said, indent=1) if options.format == "json" else shown.bisected_text(said))
    return 0 if len(found.suspects) == 1 else 1


def _cell(pair: Pair, wanted: str) -> Cell:
    """The one case that is meant: by its id, or by a part of it that no other has. Raises BadInput."""
    timed = [cell for cell in pair.cells if "time" in cell.kinds]
    exact = [cell for cell in timed if cell.case.id == wanted]
    found = exact or [cell for cell in timed if wanted in cell.case.id]
    if not found:
        raise unknown("case", wanted, [cell.case.id for cell in timed])
    if len(found) > 1:
        names = ", ".join(cell.case.id for cell in found[:4])
        raise BadInput(f"{wanted!r} stands for {len(found)} cases; name one of them: {names}")
    return found[0]


@contextlib.contextmanager
def _search(
    options: argparse.Namespace,
    pair: Pair,
    cell: Cell,
    repo: Path,
    commits: list[str],
    place: Path,
    settings: Settings,
) -> Iterator[Search]:
    lanes = [_lane(cell.case, "good", "good")]
    lanes += [_lane(cell.case, commit[:10], "good") for commit in commits]
    info = {**comparing.info(pair, options.profile, [lanes]), "bisect": {"commits": commits}}
    journal = comparing.create(options.out, info)
    search = Search(pair, cell, repo, place, settings, journal, Path(options.benchmarks or ""))
    try:
        yield search
    finally:
        search.close()
        journal.close()


def _lane(case: Case, name: str, baseline: str) -> Case:
    parameters = {"variant": case.variant, **case.parameters}
    return Case(case.benchmark, name, baseline, case.model, case.phase, case.device, parameters, "comparison")


class Search:
    """Measures one commit after another against the good one, a launch at a time."""

    def __init__(
        self,
        pair: Pair,
        cell: Cell,
        repo: Path,
        place: Path,
        settings: Settings,
        journal: Journal,
        folder: Path,
    ) -> None:
        self.journal = journal
        self._pair, self._cell, self._repo, self._place, self._settings = pair, cell, repo, place, settings
        self._folder = folder
        self._ends = time.monotonic() + settings.budget
        self._open = contextlib.ExitStack()
        self._commit, self._engine, self._at = "", pair.engines[1], pair.folders[1]

    def close(self) -> None:
        self._open.close()

    def measure(self, commit: str) -> float | None:
        """log(its time / good's) of one launch; None if it cannot be measured, or not in this budget."""
        if time.monotonic() >= self._ends:
            return None
        try:
            self._turn_to(commit)
            launched = self._launch(commit)
        except BadInput as error:
            print(f"{commit[:10]} is left out: {error}", file=sys.stderr)
            return None
        good, other = launched["records"]
        rounds = stats.rounds(*(stats.medians(one.get("blocks", ())) for one in (good, other)))
        if good["outcome"] != "ok":
            raise BadInput(f"the good commit fails: {good['outcome']}: {good['message']}")
        if not rounds or other["outcome"] != "ok":
            print(f"{commit[:10]} is left out: {other['outcome']} {other['message']}", file=sys.stderr)
            return None
        effect = stats.launch_effect(rounds)
        print(f"{commit[:10]}: {math.exp(effect):.3f}x of good's time", file=sys.stderr)
        return effect

    def _turn_to(self, commit: str) -> None:
        if commit == self._commit:
            return
        self.close()
        self._commit = commit
        self._pair.engines[0].renew()  # Another commit is met by another process, not by one lucky layout.
        folder = self._open.enter_context(checkouts.checkout(self._repo, commit))
        side = Side(commit[:10], sys.executable, folder)
        self._engine = self._open.enter_context(ElsewhereEngine(side, self._place / commit[:10]))
        given = self._folder if str(self._folder) != "." else None
        self._at = commands_compare._folder(given, side) or str(folder / "benchmarks")

    def _launch(self, commit: str) -> Json:
        group = self.journal.run.groups[0]
        lanes = [group[0], next(lane for lane in group[1:] if lane.variant == commit[:10])]
        asked: Asked = self._pair.asked

        def start(lane: Case, seed: int) -> launch.Worker:
            own = lane is not lanes[0]
            engine = self._engine if own else self._pair.engines[0]
            at = self._at if own else self._pair.folders[0]
            spec = comparing.spec(asked, self._place, lane, self._cell, at, seed)
            return engine.start(spec, fresh=self._cell.fresh)

        started, begin, conditions = utc_now(), time.monotonic(), machine.Conditions()
        number = len(self.journal.run.launches)
        conditions.start()
        pace = replace(self._settings.pace, hold_several=alone(self.journal.run.launches))
        records = launch.time_launch(start, lanes, number, pace)
        made: Json = {
            "kind": "time",
            "group": lanes[0].group,
            "baseline": lanes[0].variant,
            "launch": number,
            "started": started,
            "seconds": round(time.monotonic() - begin, 3),
            "conditions": conditions.stop(),
            "records": records,
        }
        made["noisy"] = precision.noise(made, self._settings.precision)
        self.journal.append(made)
        return made
