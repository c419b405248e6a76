"""``calibrate``: how far verdicts are to be trusted on this machine, at this moment. Imports no torch."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness import calibrating, calibration, commands_compare, comparing, limits, machine, scratch, session
from harness.changes import View
from harness.comparing import Pair
from harness.engines.warm_process import HERE, Side
from harness.errors import BadInput
from harness.record import Case, Json
from harness.report import calibrated as shown
from harness.settings import Settings
from harness.store import Journal


def run(options: argparse.Namespace) -> int:
    """Measures, stores, prints. Raises BadInput before anything is written."""
    settings = commands_compare.settings(options)
    ends = time.monotonic() + settings.budget
    with contextlib.ExitStack() as stack:
        both, journal = stack.enter_context(_opened(options, stack.enter_context(scratch.folder())))
        say = shown.Told(journal.run, quiet=options.format != "table")
        say.say(
            f"takes {settings.budget / 60:.3g} minutes, and the comparison that has then begun to its end; "
            "a longer --budget makes more of them, and the bound on false alarms narrower"
        )
        try:
            calibrating.measure(both, journal, settings, ends, say.compared)
        except KeyboardInterrupt:
            say.say("interrupted: this is no calibration; the one before, if any, goes on to be shown")
            raise
        journal.finish()
    found = _found(options, journal, settings)
    where = calibration.write(journal.run.folder, found)
    if options.format == "json":
        print(json.dumps({**found, "folder": where.parent.as_posix()}, indent=1, allow_nan=False))
    else:
        shown.show(found, where.parent)
    return 0


@contextlib.contextmanager
def _opened(options: argparse.Namespace, place: Path) -> Iterator[tuple[Pair, Journal]]:
    folder = str(calibrating.PLANTED)
    free = int(session.HOST_SHARE * limits.available_memory())
    asked = comparing.Asked(["planted"], "quick", options.device, (folder, folder), free)
    with comparing.pair(_sides(), asked, place) as both:
        if options.device == "cuda" and both.facts[0]["device"] != "cuda":
            raise BadInput("--device cuda: torch finds no CUDA device; see what doctor says")
        no_groups: list[list[Case]] = []
        info: Json = {**comparing.info(both, options.profile, no_groups), "profile": "calibrate"}
        journal = Journal.create(options.out, f"{machine.slug(info['machine'])}/{calibration.FOLDER}", info)
        try:
            yield both, journal
        finally:
            journal.close()


def _sides() -> tuple[Side, Side]:
    one, other = (Side(name, sys.executable, HERE) for name in "AB")
    return one, other


def _found(options: argparse.Namespace, journal: Journal, settings: Settings) -> Json:
    info = journal.run.info
    found: Json = {
        "schema": calibration.SCHEMA,
        "started": info["started"],
        "finished": info["finished"],
        "profile": options.profile,
        "budget": settings.budget,
        "device": info["device"],
        "machine": info["machine"],
        **calibration.derive(View(info, journal.run.launches), comparing.AGAIN),
    }
    if not found["comparisons"]:
        failed = next((one["message"] for launch in journal.run.launches for one in launch["records"]), "")
        raise BadInput(f"no comparison could be measured, so this is no calibration: {failed}")
    before = calibration.stored(journal.run.folder.parent.parent)
    found["same"]["pooled"] = calibration.pooled(found, before)
    return found
