"""``python -m trust``: this harness and four other tools judge planted slowdowns; writes the table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness import machine, store
from harness.errors import BadInput
from harness.session import seconds
from harness.store import utc_now
from trust import faults, journal, load, peaks, plot, session, table, untimed
from trust.journal import Journal, Json
from trust.session import Asked
from trust.tools import TOOLS
from trust.verdicts import PLANTS
from trust.workloads import LONG, SHORT, WORKLOADS

#: Left out of the sample: each is much like another that is in it.
ALIKE = ("lookup", "json_loads", "softmax", "sort", "linear", "conv")
#: Groups of workloads that --works takes beside names.
GROUPS = {
    "short": [work.name for work in SHORT],
    "sample": [work.name for work in SHORT if work.name not in ALIKE],
    "long": [work.name for work in LONG],
    "all": [work.name for work in [*SHORT, *LONG]],
    "fast": [work.name for work in SHORT if work.seconds < 1e-3],
}
#: What --short and --full stand for; each can be overridden by its own option.
FORMS: dict[str, dict[str, Any]] = {
    "short": {"works": "sample", "each": 4.0, "dealt": True, "every": 16},
    "full": {"works": "all", "each": 15.0, "dealt": False, "every": 4},
}


def main(given: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(given)
    before = signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # So that what runs is ended on the way out.
    try:
        return _run(options, list(sys.argv[1:] if given is None else given))
    except BadInput as error:
        print(f"trust: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `| head` has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"trust: {error.filename or options.out}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted; what is finished is in {options.out}; the same command goes on", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    if options.show:
        write(options.out, *journal.read(options.out / "journal.jsonl"))
        return 0
    asked = _asked(options)
    fingerprint = machine.fingerprint()
    header: Json = {
        "asked": json.loads(json.dumps(dataclasses.asdict(asked))),
        "command": shlex.join(["python", "-m", "trust", *given]),
        "started": utc_now(),
        "machine": machine.slug(fingerprint),
        "commit": str(fingerprint.get("commit") or "unknown"),
        "fingerprint": fingerprint,
    }
    print(_plan(asked), flush=True)
    kept = Journal(options.out / "journal.jsonl", header)
    session.run(asked, kept, lambda line: print(line, flush=True))
    if not options.times_only:
        untimed.run([*peaks.parts(asked.tools), *faults.parts(asked.tools)], kept)
    write(options.out, kept.header, kept.lines)
    return 0


def write(folder: Path, header: Json, lines: list[Json]) -> None:
    """``trust.md``, ``trust.json`` and the plot, from the journal alone."""
    text = table.markdown(header, lines)
    store.write_atomically(folder / "trust.md", text)
    found = json.dumps(table.as_json(header, lines), indent=1, allow_nan=False)
    store.write_atomically(folder / "trust.json", found + "\n")
    plot.write(folder, header, lines)
    print(text)


def _plan(asked: Asked) -> str:
    same = asked.shares.count(0.0) / len(asked.shares)
    counts = [f"{asked.comparisons(one)} {one}" for one in asked.conditions]
    ends = f"; no batch is begun that would end past {asked.budget / 60:g} minutes" if asked.budget else ""
    own = "; asv takes its own time" if any(tool.startswith("asv") for tool in asked.tools) else ""
    some = ""
    if asked.every > 1 and session.SLOWEST_TOOL in asked.tools:
        where = f", under {asked.conditions[-1]}" if asked.dealt else " of the quick ones"
        some = f" asv's best setting gets every {asked.every}th workload{where}."
    if asked.slow_once and any(map(session.is_slow, asked.works)):
        some += f" Steps of 3 and 12 s are under {asked.conditions[-1]} alone."
    tools, works = _count(len(asked.tools), "tool"), _count(len(asked.works), "workload")
    return (
        f"{tools} on {works}; of each {' and '.join(counts)} verdicts, "
        f"{same:.0%} of them on nothing planted. At {asked.each:g} s a verdict that is "
        f"{asked.expected / 60:.0f} minutes in all{own}{ends}.{some}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _asked(options: argparse.Namespace) -> Asked:
    form = FORMS["full" if options.full else "short"]
    if options.batches < 1:
        raise BadInput(f"--batches {options.batches}: at least 1, a verdict on each workload")
    own = options.works is not None
    return Asked(
        works=_works(options.works or form["works"]),
        tools=_known("tool", options.tools, TOOLS) or tuple(TOOLS),
        conditions=_known("condition", options.conditions, load.CONDITIONS) or tuple(load.CONDITIONS),
        each=seconds(options.each) if options.each else form["each"],
        batches=options.batches,
        budget=seconds(options.budget) if options.budget else None,
        shares=_shares(options.shares) if options.shares else PLANTS,
        dealt=form["dealt"] and not own,
        slow_once=not own,
        every=1 if own else form["every"],
    )


def _works(text: str) -> tuple[str, ...]:
    names = [name for part in text.split(",") for name in GROUPS.get(part, [part])]
    return _known("workload", ",".join(names), WORKLOADS)


def _known(what: str, text: str | None, known: Iterable[str]) -> tuple[str, ...]:
    """The names in `text`. Raises BadInput for one that there is not."""
    names = tuple(text.split(",")) if text else ()
    for name in names:
        if name not in known:
            raise BadInput(f"no {what} {name!r}; there is {', '.join(known)}")
    return names


def _shares(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(one) / 100 for one in text.split(","))
    except ValueError:
        raise BadInput(f"--shares {text!r}: write percents such as 0,2,0,5,0,10") from None
    if not all(0 <= one <= 1 for one in found):
        raise BadInput(f"--shares {text!r}: a planted slowdown is 0 to 100 percent")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trust", description=__doc__)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--short",
        action="store_true",
        help="14 workloads, half of them idle and half beside the load: 15 minutes; the default",
    )
    form.add_argument(
        "--full",
        action="store_true",
        help="20 workloads under both, and steps of 3 and 12 s: two and a half hours",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results/trust"), help="default: %(default)s; goes on there"
    )
    parser.add_argument(
        "--show", action="store_true", help="write table and plot of what is there; measure nothing"
    )
    parser.add_argument("--each", metavar="TIME", help="wall time of a verdict; default: 4s, or 15s")
    parser.add_argument("--budget", metavar="TIME", help="of a condition, 1h: no batch that would go past it")
    parser.add_argument(
        "--batches", type=int, default=1, metavar="N", help="verdicts on each workload; default: 1"
    )
    parser.add_argument("--works", metavar="NAMES", help=f"{', '.join(GROUPS)}, or names with commas")
    parser.add_argument("--tools", metavar="NAMES", help=f"of {','.join(TOOLS)}")
    parser.add_argument("--conditions", metavar="NAMES", help="of idle,load")
    parser.add_argument(
        "--shares", metavar="PERCENTS", help="planted in turn: 0,2,0,5,0,10; 0 for false alarms alone"
    )
    parser.add_argument("--times-only", action="store_true", help="without memory and faults")
    return parser


if __name__ == "__main__":
    sys.exit(main())
