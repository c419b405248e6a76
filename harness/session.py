"""``run`` from start to end: what to measure, on which device, into which folder; then the table.

The one place that puts engine, journal, runner and terminal together.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from harness import benchmark, commands, flops, folders, limits, machine, plan, scratch, torch_info
from harness.engines import local
from harness.engines.local import LocalEngine
from harness.errors import BadInput, WorkerFailed
from harness.launch import Start, Worker
from harness.record import Case, Json
from harness.report.progress import Progress
from harness.runner import Plan, Runner
from harness.settings import PROFILES, Settings
from harness.store import Journal

#: Of the memory free at the start, what a worker on the host may take; the rest keeps the machine alive.
HOST_SHARE = 0.9


def run(options: argparse.Namespace) -> int:
    """Measures, prints, judges. Raises BadInput before anything is written."""
    begun = time.monotonic()
    _settings(options, options.profile, options.names)  # Bad input is said before anything starts.
    memory_limit = (
        size(options.memory_limit) if options.memory_limit else int(HOST_SHARE * limits.available_memory())
    )
    if options.resume is None:
        benchmark.chosen(
            options.names, benchmark.discover(options.benchmarks)
        )  # A wrong name is said at once.
    with scratch.folder() as place:
        engine = LocalEngine(place)
        journal, planned = _open(options, engine)
        try:
            start = _starter(engine, planned, options.benchmarks, place, memory_limit)
            info = journal.run.info
            settings = left(_settings(options, info["profile"], info["names"]), time.monotonic() - begun)
            return _measure(options, settings, journal, planned, start, engine)
        finally:
            journal.close()


def _measure(
    options: argparse.Namespace,
    settings: Settings,
    journal: Journal,
    planned: Plan,
    start: Start,
    engine: LocalEngine,
) -> int:
    progress = Progress(journal.run, quiet=options.format != "table")
    runner = Runner(start, journal, settings, machine.Conditions(), progress)
    before = len(journal.run.launches)
    resume = _resume(journal.run.folder, options.benchmarks)
    try:
        with progress:
            whole = runner.run(planned)
        if len(journal.run.launches) > before:
            _ceilings_again(journal, engine)
    except KeyboardInterrupt:
        progress.close()
        try:
            commands.show(options, journal.run)
        finally:  # Whoever is in a hurry interrupts the table as well.
            progress.say(f"interrupted; nothing finished is lost. Go on with: {resume}")
        return 130
    except BadInput as error:
        raise BadInput(f"{error}. Go on with: {resume}") from error
    if whole:
        journal.finish()
    else:
        progress.say(f"the budget ended first; go on with: {resume}")
    return commands.show(options, journal.run)


def _resume(run: Path, benchmarks: Path) -> str:
    """The command that goes on with `run`, whose declarations are in `benchmarks`."""
    own = f" --benchmarks {shlex.quote(str(benchmarks))}" if benchmark.own(benchmarks) else ""
    return f"python -m harness run --resume {shlex.quote(str(run))}{own}"


def _settings(options: argparse.Namespace, profile: str, names: Sequence[str]) -> Settings:
    settings = PROFILES[profile]
    pace = dataclasses.replace(settings.pace, limit=seconds(options.timeout))
    budget = seconds(options.budget) if options.budget else settings.allowed(len(names))
    return dataclasses.replace(settings, pace=pace, budget=budget)


def left(settings: Settings, spent: float) -> Settings:
    """What of the budget is left when the start took `spent` seconds: half at least, or none is measured."""
    return dataclasses.replace(settings, budget=max(settings.budget - spent, settings.budget / 2))


def _open(options: argparse.Namespace, engine: LocalEngine) -> tuple[Journal, Plan]:
    """The journal to write and what to measure: a new run, or one to go on with."""
    if options.resume is not None:
        if options.names:
            asked = " ".join(options.names)
            raise BadInput(f"--resume goes on with all that the run has planned; leave out: {asked}")
        folder = Path(options.resume) if options.resume else folders.latest(options.out, unfinished=True)
        journal = Journal.reopen(folder)
        if why := machine.begun_elsewhere(journal.run.info.get("machine", {}), machine.fingerprint()):
            journal.close()
            raise BadInput(f"{folder} {why}")
        return journal, plan.again(journal.run.groups, options.benchmarks)
    device = _device(options.device, engine)
    planned = plan.make(options.names, options.profile, device, options.benchmarks)
    described = machine.fingerprint()
    info: Json = {
        "profile": options.profile,
        "device": device,
        "names": options.names,
        "runs_by": "case",  # That the id of a case asks `run` for it.
        "own_benchmarks": benchmark.own(options.benchmarks),  # No path of the user's is stored.
        "machine": described,
        "torch": _call(engine, torch_info.describe, device),
        "ceilings": _call(engine, flops.ceilings, device),
        "plan": {"groups": [[case.as_json() for case in group] for group in planned.groups]},
    }
    return Journal.create(options.out, machine.slug(described), info), planned


def _ceilings_again(journal: Journal, engine: LocalEngine) -> None:
    """What the machine reaches at the end: a drift shows beside the results. Lacking, it costs no result."""
    with contextlib.suppress(BadInput):
        journal.tell(ceilings_at_end=_call(engine, flops.ceilings, journal.run.info["device"]))


def _device(wanted: str, engine: LocalEngine) -> str:
    found: str = _call(engine, torch_info.default_device)["device"]
    if wanted == "cuda" and found != "cuda":
        raise BadInput("--device cuda: torch finds no CUDA device; see what doctor says, or use --device cpu")
    return found if wanted == "auto" else wanted


def _call(engine: LocalEngine, function: object, *arguments: object) -> Json:
    try:
        return engine.call(function, 120, *arguments)  # type: ignore[arg-type]
    except WorkerFailed as failed:
        raise BadInput(f"cannot measure here: {failed.message}") from failed


def _starter(engine: LocalEngine, planned: Plan, folder: Path, place: Path, memory_limit: int) -> Start:
    """How the runner gets a worker for a case."""

    def start(case: Case, seed: int) -> Worker:
        spec: Json = {
            "case": case.as_json(),
            "benchmarks": str(folder),
            "seed": seed,
            "memory_limit": None if case.device == "cuda" else memory_limit,
            "environment": local.environment(place, case.id),
        }
        return engine.start(spec, fresh=planned.fresh(case))

    return start


def seconds(text: str) -> float:
    """``90s``, ``10m``, ``1h30m`` or a plain number of seconds. Raises BadInput."""
    number = r"(\d+(?:\.\d+)?)"
    match = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s?)?", text.strip())
    hours, minutes, rest = (float(each or 0) for each in match.groups()) if match else (0.0, 0.0, 0.0)
    if not hours + minutes + rest:
        raise BadInput(f"{text!r} is no time; write 90s, 10m or 1h30m")
    return 3600 * hours + 60 * minutes + rest


def size(text: str) -> int:
    """``512M``, ``8G`` or a plain number of bytes. Raises BadInput."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match or float(match[1]) <= 0:
        raise BadInput(f"{text!r} is no size; write 512M or 8G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def percent(text: str) -> float:
    """``2%`` or ``0.5%`` as a share; of a plain 0.01 it is not clear what it means. Raises BadInput."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text.strip())
    if not match or not 0 < float(match[1]) <= 100:
        raise BadInput(f"{text!r} is no precision; write 1% or 0.5%")
    return float(match[1]) / 100
