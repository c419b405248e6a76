"""A comparison as a table for the terminal, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from harness import units
from harness.bisection import Found
from harness.changes import METRICS, Change, Comparison
from harness.report import markdown as md
from harness.report import table
from harness.stats import Interval


def show(found: Comparison, folder: Path | None) -> None:
    console = table._console()
    columns = ("case", *METRICS, "why")
    shown = table._table(heading(found), columns, wrapped=columns)
    for case in found.cases:
        texts = [text(case.changes.get(metric)) for metric in METRICS]
        shown.add_row(case.name, *texts, why(case.changes), style="bold" if case.worse else None)
    console.print(shown)
    for warning in found.warnings:
        console.print(Text(f"note: {warning}"))
    if found.calibration:
        console.print(Text(found.calibration))
    console.print(Text(tally(found)))
    if folder:
        console.print(Text(f"results: {folder}"))


def heading(found: Comparison) -> str:
    how = "measured in turn" if found.live else "two stored runs"
    return f"B {found.b} against A {found.a}, {how}"


def text(change: Change | None) -> str:
    """``slower 1.05x (1.04x to 1.06x)``: of times, how much longer B takes."""
    if change is None:
        return ""
    return f"{change.verdict} {_times(change.ratio)}".strip()


def _times(ratio: Interval | None) -> str:
    return units.between(ratio, lambda value: f"{value:.3f}x") if ratio else ""


def why(changes: Any) -> str:
    return "; ".join(f"{metric}: {one.reason}" for metric, one in changes.items() if one.reason)


def tally(found: Comparison) -> str:
    worse = sum(case.worse for case in found.cases)
    count = Counter(one.verdict for case in found.cases for one in case.changes.values())
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.most_common())
    return f"{worse} of {len(found.cases)} cases worse; verdicts: {told}"


def markdown(found: Comparison, folder: Path | None) -> str:
    """Worse cases first and in the open; the others folded away."""
    worse = [case for case in found.cases if case.worse]
    rest = [case for case in found.cases if not case.worse]
    parts = [f"**{md.escape(heading(found))}**: {tally(found)}."]
    if worse:
        parts.append(_table(worse))
    if rest:
        parts.append(
            f"<details><summary>{len(rest)} cases not worse</summary>\n\n{_table(rest)}\n\n</details>"
        )
    parts += [f"- {md.escape(one)}" for one in (*found.warnings, found.calibration) if one]
    if folder:
        parts.append(f"`python -m harness compare {folder.as_posix()}` shows it again.")
    return "\n\n".join(parts)


def _table(cases: Any) -> str:
    rows = [
        (case.name, *(text(case.changes.get(metric)) for metric in METRICS), why(case.changes))
        for case in cases
    ]
    return md.table(("case", *METRICS, "why"), rows)


def as_json(found: Comparison, folder: Path | None) -> dict[str, Any]:
    return {
        "a": found.a,
        "b": found.b,
        "live": found.live,
        "folder": folder.as_posix() if folder else None,
        "warnings": list(found.warnings),
        "calibration": found.calibration,
        "cases": [
            {"case": case.name, **{metric: _change(one) for metric, one in case.changes.items()}}
            for case in found.cases
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    ratio = change.ratio
    return {
        "verdict": change.verdict,
        "reason": change.reason,
        "ratio": ratio
        and {"point": ratio.point, "low": ratio.low, "high": _finite(ratio.high), "n": ratio.n},
        "p": change.p,
    }


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None


def bisected(found: Found, subjects: Mapping[str, str]) -> dict[str, Any]:
    return {
        "suspects": [{"commit": one, "subject": subjects[one]} for one in found.suspects],
        "probability": round(found.probability, 4),
        "ratio": math.exp(found.effect),
        "reason": found.reason,
        "steps": [
            {
                "commit": step.commit,
                "slow": step.slow,
                "launches": len(step.effects),
                "ratio": math.exp(sum(step.effects) / len(step.effects)) if step.effects else None,
            }
            for step in found.steps
        ],
    }


def bisected_text(said: Mapping[str, Any]) -> str:
    words = {True: "slow", False: "as good", None: "cannot be told"}
    lines = [
        f"{step['commit'][:10]}  {words[step['slow']]}"
        + (f", {step['ratio']:.3f}x in {step['launches']} launches" if step["ratio"] else "")
        for step in said["steps"]
    ]
    for one in said["suspects"]:
        lines.append(f"made it slower: {one['commit'][:10]} {one['subject']}")
    if said["suspects"]:
        sure = f"at least {said['probability']:.1%} sure, if one commit made it"
        lines.append(f"bad is {said['ratio']:.3f}x good's time; {sure}")
    lines += [said["reason"]] if said["reason"] else []
    return "\n".join([*lines, f"results: {said['folder']}"])
