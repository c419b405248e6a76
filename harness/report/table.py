"""Tables for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from rich.console import Console

from harness import calibration
from harness.doctor import Finding
from harness.judgement import ClaimVerdict, Judgement
from harness.lines import AnyRun
from harness.record import OK
from harness.report import cells
from harness.report.text_table import TextTable
from harness.rows import CaseSummary
from harness.targets import TargetVerdict
from harness.verdict import NOT_MEASURED

#: Columns that may break their lines where the terminal is narrow.
WRAPPED = ("workload", "remark", "why", "worst", "what it does", "here", "found", "do")
RIGHT = ("speedup", "step", "memory", "limit", "held", "met")


def show_run(run: AnyRun, judgement: Judgement) -> None:
    """Rows by benchmark, then the claims, then the targets, then where it all lies."""
    console = _console()
    console.print(cells.heading(run.info))
    console.print(calibration.beside(run.folder, run.info))
    for warning in run.warnings:
        console.print(f"warning: {warning}")
    for name, rows in groupby(judgement.rows, key=lambda row: row.case.benchmark):
        console.print(rows_table(name, list(rows)))
    if any(one.verdict != NOT_MEASURED for one in judgement.claims):
        console.print(claims_table(judgement.claims))
    console.print(targets_table(judgement.targets))
    console.print(tally(judgement))
    console.print(f"results: {run.folder}")


def rows_table(name: str, rows: Sequence[CaseSummary]) -> TextTable:
    table = _table(name, cells.COLUMNS)
    for _, group in groupby(rows, key=lambda row: row.case.group):
        for number, row in enumerate(group):
            texts = list(cells.cells(row))
            texts[0] = "" if number else texts[0]
            table.add_row(*texts, style="dim" if row.outcome != OK else None)
        table.add_section()
    return table


def line(row: CaseSummary) -> str:
    """A row on one line, as it is measured."""
    texts = cells.cells(row)
    return f"{row.case.benchmark}: {texts[0]} {texts[1]}: " + ", ".join(text for text in texts[2:] if text)


def claims_table(claims: Iterable[ClaimVerdict]) -> TextTable:
    """The claims that this run could measure; the rest are counted below and are in ``--format json``."""
    table = _table("claims", ("claim", "workload", "verdict", "why"))
    for one in claims:
        if one.verdict != NOT_MEASURED:
            table.add_row(one.claim.id, one.workload, one.verdict, one.reason)
    return table


def targets_table(targets: Iterable[TargetVerdict]) -> TextTable:
    """Each target on one line; which cases missed it, and why, in ``--format json``."""
    table = _table("targets", ("target", "met", "missed", "open", "worst"))
    by_target = groupby(sorted(targets, key=lambda one: one.target.id), key=lambda one: one.target.says)
    for says, group in by_target:
        verdicts = [one for one in group if one.verdict != NOT_MEASURED]
        count = Counter(one.verdict for one in verdicts)
        missed = [f"{one.row.case.id}: {one.reason}" for one in verdicts if one.verdict == "short"]
        met = f"{count['confirmed']} of {len(verdicts)}"
        table.add_row(says, met, str(count["short"]), str(count["inconclusive"]), missed[0] if missed else "")
    return table


def tally(judgement: Judgement) -> str:
    """How the claims came out in all, and what is to be asked for the rest."""
    count = Counter(one.verdict for one in judgement.claims)
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.most_common())
    return f"verdicts: {told}. Reasons for all, with sources: python -m harness judge --format json"


def _table(title: str, columns: Sequence[str], wrapped: Collection[str] = WRAPPED) -> TextTable:
    return TextTable(title, columns, RIGHT, wrapped)


def show_list(rows: Sequence[dict[str, Any]], profile: str) -> None:
    """Techniques with their variants, then the workloads that each is measured on."""
    console = _console()
    for row in rows:
        table = _table(f"{row['benchmark']}: {row['says']}", ("variant", "what it does", "here"))
        for name, variant in row["variants"].items():
            mark = " (baseline)" if name == row["baseline"] else ""
            table.add_row(name + mark, variant["says"], variant["missing"] or "runs")
        console.print(table)
        where = f"{row['cases']} cases on {', '.join(row['workloads'])}" if row["cases"] else "none of it"
        console.print(f"{profile}: {where}")
        console.print()
    console.print(f"measure them with: python -m harness run NAME --profile {profile}")


def show_findings(findings: Sequence[Finding]) -> None:
    table = _table("doctor", ("", "check", "found", "do"))
    for finding in findings:
        mark = {True: "ok", False: "BAD", None: "?"}[finding.ok]
        table.add_row(mark, finding.check, finding.says, finding.do)
    _console().print(table)


def _console() -> Console:
    """As wide as the terminal; a file or a pipe gets lines that a diff and a pager can take."""
    plain = partial(Console, highlight=False, markup=False, emoji=False)
    console = plain()
    return console if console.is_terminal else plain(width=140)
