"""Tables as Markdown, for the README and to paste into an issue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness import calibration, sources
from harness.judgement import Judgement
from harness.lines import AnyRun
from harness.report import cells
from harness.verdict import NOT_MEASURED


def run_section(run: AnyRun, judgement: Judgement) -> str:
    """The run's rows, the claims it measured and the targets in short, with the command for the rest."""
    name = run.folder.as_posix()
    rows = [(row.case.benchmark, *cells.cells(row)) for row in judgement.rows]
    claims = [
        (one.claim.says, sources.readable(one.claim.source), one.workload, one.verdict, one.reason)
        for one in judgement.claims
        if one.verdict != NOT_MEASURED
    ]
    parts = [
        f"From `{name}`: {cells.heading(run.info)}; {_machine(run)}.",
        escape(f"Its machine: {calibration.beside(run.folder, run.info)}."),
        table(("benchmark", *cells.COLUMNS), rows),
        "What was claimed, and what this machine says:" if claims else "No claim is judged by this run.",
        *([table(("claim", "source", "workload", "verdict", "why"), claims)] if claims else []),
        targets(judgement),
        f"All of it, with sources and reasons: `python -m harness judge {name} --format json`.",
    ]
    return "\n\n".join(parts)


def listing(rows: Sequence[Mapping[str, Any]]) -> str:
    """The benchmarks with their variants and whether each runs here."""
    lines = [
        (row["benchmark"], name, variant["says"], variant["missing"] or "runs")
        for row in rows
        for name, variant in row["variants"].items()
    ]
    return table(("benchmark", "variant", "what it does", "here"), lines)


def _machine(run: AnyRun) -> str:
    found = run.info.get("machine", {}).get("cpu", {})
    return f"{found.get('model', 'unknown CPU')}, {found.get('cores', '?')} cores"


def targets(judgement: Judgement) -> str:
    """Each target and on how many of the cases it applies to it is met."""
    count: dict[str, Counter[str]] = {}
    for one in judgement.targets:
        count.setdefault(one.target.says, Counter())[one.verdict] += 1
    rows = [(says, str(c["confirmed"]), str(c["short"]), str(c["inconclusive"])) for says, c in count.items()]
    return table(("target", "cases that meet it", "that miss it", "that cannot tell"), rows)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(escape(text) for text in line) + " |" for line in lines)


def escape(text: str) -> str:
    """Names come from results and are data: no pipe ends a cell, no tag is a tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")
