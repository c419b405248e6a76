"""``compare``: what two versions, environments or stored runs differ in. Imports no torch."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import (
    calibration,
    checkouts,
    compare,
    compare_stored,
    comparing,
    limits,
    machine,
    scratch,
    session,
    store,
)
from harness.changes import Comparison, View, bound, failures
from harness.engines.warm_process import HERE, Side
from harness.errors import BadInput
from harness.record import Json
from harness.report import comparison as shown
from harness.report.progress import Progress
from harness.settings import PROFILES, Settings
from harness.store import Journal, Run


def run(options: argparse.Namespace) -> int:
    """Measures or reads, prints, and fails where --fail-on says so."""
    bounds = [bound(text) for text in options.fail_on]
    found, folder = _found(options)
    if options.format == "json":
        print(json.dumps(shown.as_json(found, folder), indent=1, allow_nan=False))
    elif options.format == "markdown":
        print(shown.markdown(found, folder))
    else:
        shown.show(found, folder)
    broken = failures(found, bounds)
    if broken:
        print("\n".join(f"fail-on: {line}" for line in broken), file=sys.stderr)
    return 1 if broken else 0


def _found(options: argparse.Namespace) -> tuple[Comparison, Path | None]:
    given: list[str] = options.sides
    if options.python:
        return _live(options, given)
    if not given:
        raise BadInput("compare takes two stored runs, two commits, or --python twice; see compare --help")
    stored = [_is_run(one) for one in given[:2]]
    if len(given) == 1 and stored[0]:
        again = store.read(given[0])
        return _judged(again), again.folder
    if len(given) < 2:
        raise BadInput(f"{given[0]!r} is to be compared with what? give two runs or two commits")
    if any(stored):
        if not all(stored) or len(given) > 2:
            raise BadInput("a stored run is compared with one other stored run; give two run folders")
        return _stored(given[0], given[1]), None
    return _live(options, given[2:])


def _is_run(text: str) -> bool:
    return (Path(text) / store.RUN).is_file()


def _judged(run: Run) -> Comparison:
    """The verdicts on a stored comparison, from its samples. Raises BadInput for another kind of run."""
    if "sides" not in run.info:
        raise BadInput(f"{run.folder} is a run and no comparison; give a second run to compare it with")
    if "bisect" in run.info:
        raise BadInput(f"{run.folder} is a bisection; what it found was told when it ended")
    a, b = run.info["sides"][:2]
    notes = [*run.info.get("notes", ()), *run.warnings]
    told = machine.differences(a["machine"], b["machine"])
    notes += [f"B differs from A: {', '.join(told[:5])}"] if told else []
    if not run.info.get("finished"):
        again = f"the same command with {_resume(run)} goes on"
        notes.append(f"the budget ended before everything was told; {again}")
    found = compare.live(View(run.info, run.launches), a["label"], b["label"], notes)
    return dataclasses.replace(found, calibration=calibration.beside(run.folder, run.info))


def _resume(run: Run) -> str:
    return f"--resume {shlex.quote(str(run.folder))}"


def _stored(a: str, b: str) -> Comparison:
    one, other = store.read(a), store.read(b)
    notes = ["two stored runs were not measured in turn: what the machine did between them is in this"]
    for run in (one, other):
        if "sides" in run.info:
            raise BadInput(f"{run.folder} is a comparison; give it alone, or give two runs")
        notes += run.warnings
    first, second = one.info.get("machine", {}), other.info.get("machine", {})
    notes += [f"they differ in {line}" for line in machine.differences(first, second)]
    found = compare_stored.stored(
        View(one.info, one.launches),
        View(other.info, other.launches),
        one.folder.name,
        other.folder.name,
        notes,
    )
    if not found.cases:
        raise BadInput(f"{a} and {b} have no case in common")
    return dataclasses.replace(found, calibration=calibration.beside(other.folder, other.info))


def _live(options: argparse.Namespace, names: Sequence[str]) -> tuple[Comparison, Path | None]:
    every = dataclasses.replace(settings(options), precision=session.percent(options.precision))
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(scratch.folder())
        both = stack.enter_context(sides(options))
        pair = stack.enter_context(comparing.pair(both, asked(options, names, both), place))
        journal = _journal(options, pair)
        stack.callback(journal.close)
        pace = comparing.pace(every.pace, every.budget / len(pair.cells))
        measured = _measured(options, pair, journal, dataclasses.replace(every, pace=pace))
        return measured, journal.run.folder


def _measured(
    options: argparse.Namespace, pair: comparing.Pair, journal: Journal, settings: Settings
) -> Comparison:
    progress = Progress(journal.run, quiet=options.format != "table")
    try:
        with progress:
            whole = comparing.measure(pair, journal, settings, progress)
    except KeyboardInterrupt:
        again = f"the same command and {_resume(journal.run)}"
        progress.say(f"interrupted; nothing finished is lost. Go on with {again}")
        raise
    if whole:
        journal.finish()
    return _judged(journal.run)


def settings(options: argparse.Namespace) -> Settings:
    """Of a comparison; of the budget, a case may take all."""
    profile = PROFILES[options.profile]
    limit = session.seconds(options.timeout)
    return dataclasses.replace(
        profile,
        precision=comparing.PRECISION,
        launches=(max(comparing.FEWEST, profile.launches[0]), comparing.MOST),
        pace=dataclasses.replace(comparing.pace(profile.pace, math.inf), limit=limit),
        budget=session.seconds(options.budget) if options.budget else profile.budget,
    )


def asked(options: argparse.Namespace, names: Sequence[str], both: Sequence[Side]) -> comparing.Asked:
    folders = [_folder(options.benchmarks, side) for side in both]
    free = int(session.HOST_SHARE * limits.available_memory())
    return comparing.Asked(list(names), options.profile, options.device, (folders[0], folders[-1]), free)


def _folder(given: Path | None, side: Side) -> str:
    """Each side's own version of the declarations, where the folder is part of what is checked out."""
    if given is None:
        return ""
    if not given.is_dir():
        raise BadInput(f"no folder {given}; --benchmarks takes a folder of .py files with a BENCHMARK")
    with contextlib.suppress(BadInput, ValueError):
        inside = given.resolve().relative_to(checkouts.repository().resolve())
        if (side.root / inside).is_dir():
            return str(side.root / inside)
    return str(given.resolve())


@contextlib.contextmanager
def sides(options: argparse.Namespace) -> Iterator[tuple[Side, Side]]:
    """What is compared, checked out as long as it takes. Raises BadInput before anything is written."""
    if options.python:
        if len(options.python) != 2:
            raise BadInput("--python is given twice, once for each environment")
        one, other = (Side(python, _interpreter(python), HERE) for python in options.python)
        yield one, other
        return
    repo = checkouts.repository()
    names = options.sides[:2]
    commits = {name: None if name == "." else checkouts.resolve(repo, name) for name in names}
    checkouts.refuse_dirty(repo, names)
    if commits[names[0]] == commits[names[1]] and len(set(names)) == 2:
        print(f"note: {names[0]} and {names[1]} are the same commit", file=sys.stderr)
    with contextlib.ExitStack() as stack:
        one, other = (
            Side(
                name,
                sys.executable,
                stack.enter_context(checkouts.checkout(repo, commit)) if commit else repo,
                commit,
            )
            for name in names
            for commit in [commits[name]]
        )
        yield one, other


def _interpreter(given: str) -> str:
    """The interpreter, of an environment's folder too. Not resolved: a link tells Python its environment."""
    path = Path(given)
    found = path / "bin" / "python" if path.is_dir() else path
    if not found.is_file():
        raise BadInput(f"--python {given}: there is no such interpreter or environment")
    return str(found.absolute())


def _journal(options: argparse.Namespace, pair: comparing.Pair) -> Journal:
    groups = [compare.lanes(cell.case) for cell in pair.cells]
    info: Json = comparing.info(pair, options.profile, groups)
    if options.resume is None:
        return comparing.create(options.out, info)
    stored = store.read(options.resume)
    if stored.info["plan"] != info["plan"]:
        raise BadInput(f"{options.resume} compared other cases; it cannot go on with these")
    for before, now in zip(stored.info["sides"], info["sides"], strict=True):
        if before.get("commit") != now["commit"]:
            raise BadInput(
                f"{options.resume}: {before['label']} was {_commit(before)}, and {now['label']} is "
                f"{_commit(now)} now; give the commits that it began with, or begin anew"
            )
        if why := machine.begun_elsewhere(before["machine"], now["machine"]):
            raise BadInput(f"{options.resume}: {before['label']} {why}")
    return Journal.reopen(Path(options.resume))


def _commit(side: Json) -> str:
    return f"commit {side['commit'][:10]}" if side.get("commit") else "no commit"
