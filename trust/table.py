"""A session as Markdown and as JSON: every number computed from the journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from statistics import fmean

from harness.report.markdown import table
from trust import faults, figures, ours, peaks
from trust.figures import SHARES, Count, Row
from trust.journal import SCHEMA, Json
from trust.load import CONDITIONS
from trust.session import Asked

NOTES = """\
- The tools took turns on the same workloads, each a loop of equal units of real work: 100 against 100,
  102, 105 or 110 where steps are short. The true size of a slowdown is the ratio of the units. All ran
  with the same environment, on one thread.
- A false alarm is a change that a tool called where none was planted, with the one-sided 95 % bound of
  Clopper and Pearson. A slowdown is found if the tool called it slower. pytest-benchmark looks for slower
  alone, so it has half as many ways to be wrong.
- Every verdict is the tool's own: asv's mark in the table of `asv continuous`, the lines of
  `--benchmark-compare-fail`, the lists of `pyperf compare_to`, ours of `compare`. torch.utils.benchmark
  gives none; two readings of its table stand for one: the trimmed digits differ, or only one side is
  coloured as the best.
- asv takes the time that its settings take; the others were given the seconds for a verdict that are said
  above, start and imports included. For pyperf that is 3 processes of 5 values a side, of less than 10 s
  2 processes, where its own choice, 20, takes minutes.
- In the short form each workload is measured under one of the two conditions. asv's best setting, which
  starts 20 processes for a workload, gets one or two there, and every fourth in the full form. That has
  steps of 3 and 12 s under load alone.
- Error of the ratio: of B / A as the tool has it, against the true one; typical is the median. Read within
  1 % means that +5 % was read as 4 to 6 %.
- Overhead: what a tool reads for a step that does nothing.
"""


def markdown(header: Json, lines: Sequence[Json]) -> str:
    """The whole page: for each condition the table, then memory and faults."""
    asked = header["asked"]
    parts = [
        "# Which tool can be believed",
        f"`{header['command']}` on {header['machine']}, {header['started'][:10]}, commit "
        f"{header['commit'][:10]}; {_allowed(asked, lines)} s for a verdict.",
    ]
    for condition in asked["conditions"]:
        for slow, which in ((False, "steps up to 0.1 s"), (True, "steps of 3 and 12 s")):
            found = figures.rows(lines, condition, slow=slow)
            if found:
                parts += [f"## {condition.capitalize()}: {CONDITIONS[condition]}, {which}", times(found)]
                parts += [better(found)] if found[0].tool == ours.NAME and len(found) > 1 else []
        parts += _own_share(lines, condition)
    parts += _unfinished(asked, lines)
    parts += peaks.markdown(lines) + faults.markdown(lines)
    return "\n\n".join([*parts, "## How to read it", NOTES])


def _unfinished(asked: Json, lines: Sequence[Json]) -> list[str]:
    """Nothing of a journal that is older than what `asked` would have to tell for this."""
    names = {field.name for field in dataclasses.fields(Asked)}
    if names - asked.keys():
        return []
    given: Json = {name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()}
    wanted = list(Asked(**given).parts())
    lacking = [part for part in wanted if not any(part.key.items() <= line.items() for line in lines)]
    if not lacking:
        return []
    where = dict.fromkeys(f"batch {part.number + 1} under {part.condition}" for part in lacking)
    return [
        f"Not measured yet: {len(lacking)} of {len(wanted)} parts, of {' and '.join(where)}; "
        "the same command goes on."
    ]


def _allowed(asked: Json, lines: Sequence[Json]) -> str:
    """The seconds that a verdict was given, the least and the most; slow steps are given more."""
    given = {one["allowed"] for one in lines if one["kind"] == "verdicts"} or {asked["each"]}
    return " to ".join(f"{seconds:g}" for seconds in sorted({min(given), max(given)}))


def times(rows: Sequence[Row]) -> str:
    heads = ["tool", "false alarms", "at most", *(f"+{share:.0%} found" for share in SHARES), "called faster"]
    within = f"read within {figures.CLOSE:.0%}"
    heads += ["no answer", "typical error", "worst error", within, "s per verdict", "overhead"]
    return table(heads, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    return [
        row.tool,
        _share(row.false_alarms),
        f"{row.false_alarms.upper:.1%}" if row.false_alarms.of else "",
        *(_share(row.found[share]) for share in SHARES),
        _share(row.wrong),
        _share(row.no_answer),
        "" if row.typical is None else f"{row.typical:.2%}",
        "" if row.worst is None else f"{row.worst:.1%}",
        _share(row.close),
        f"{row.seconds:.1f}",
        "" if row.overhead is None else f"{row.overhead * 1e9:.0f} ns",
    ]


def _share(count: Count) -> str:
    return f"{count.found} of {count.of} ({count.share:.0%})" if count.of else ""


def better(rows: Sequence[Row]) -> str:
    """Where another tool did better than ours: said, not left to be found."""
    first, others = rows[0], rows[1:]
    told = []
    for name, value, high in MEASURES:
        mine = value(first)
        ahead = [
            one.tool
            for one in others
            if mine is not None
            and (theirs := value(one)) is not None
            and (theirs > mine if high else theirs < mine)
        ]
        told += [f"{name}: {', '.join(ahead)}"] if ahead else []
    return "Better than ours: " + ("; ".join(told) if told else "none, in any column") + "."


def _found(share: float) -> Callable[[Row], float | None]:
    return lambda row: row.found[share].share if row.found[share].of else None


#: What is better: its name, its value, and whether more of it is.
MEASURES: list[tuple[str, Callable[[Row], float | None], bool]] = [
    ("fewer false alarms", lambda row: row.false_alarms.share if row.false_alarms.of else None, False),
    *((f"more of +{share:.0%}", _found(share), True) for share in SHARES),
    ("more answers", lambda row: row.no_answer.share, False),
    ("smaller typical error", lambda row: row.typical, False),
    ("smaller worst error", lambda row: row.worst, False),
    (f"more read within {figures.CLOSE:.0%}", lambda row: row.close.share, True),
    ("less time", lambda row: row.seconds, False),
    ("less overhead", lambda row: row.overhead, False),
]


def _own_share(lines: Sequence[Json], condition: str) -> list[str]:
    """What our runner itself takes of a core while a worker is timed, and in all."""
    mine = [one for one in lines if one["kind"] == "verdicts" and one["condition"] == condition]
    mine = [one for one in mine if one["tool"].split(":")[0] == ours.NAME]
    if not mine:
        return []
    timed = [said["runner_timed"] for one in mine for said in one["verdicts"] if said.get("runner_timed")]
    whole = sum(one["own_cpu"] for one in mine) / max(sum(one["wall"] for one in mine), 1e-9)
    waiting = f"{fmean(timed):.1%} while workers were timed, and " if timed else ""
    told = f"{waiting}{whole:.1%} of a core over the whole, with all it starts and judges."
    return [f"{condition.capitalize()}: our runner took {told}"]


def as_json(header: Json, lines: Sequence[Json]) -> Json:
    """Header, figures and everything they come from."""
    shown = {
        condition: {
            kind: [row.as_json() for row in figures.rows(lines, condition, slow=slow)]
            for kind, slow in (("quick", False), ("slow", True))
        }
        for condition in header["asked"]["conditions"]
    }
    return {**header, "schema": SCHEMA, "figures": shown, "lines": list(lines)}
