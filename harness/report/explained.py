"""What the words of the page mean, for somebody who meets them for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.report import cells
from harness.report.html import Html, tag
from harness.rows import CaseSummary
from harness.technique import Technique, techniques
from harness.verdict import CONFIRMED, EXCEEDED, INCONCLUSIVE, NOT_MEASURED, REVERSED, SHORT

VERDICTS: Mapping[str, str] = {
    CONFIRMED: "the whole interval lies within what was claimed",
    EXCEEDED: "all of it is better than claimed",
    SHORT: "all of it is worse than claimed",
    REVERSED: "it points the other way: slower, where faster was claimed",
    INCONCLUSIVE: "a bound of the claim lies within the interval, so more launches are needed",
    NOT_MEASURED: "nothing here speaks to it; the last column says what would",
}
COLUMNS: Mapping[str, str] = {
    "workload": "a model, what is done with it, its sizes: gpt2-train batch=2 trains GPT-2 by 2 samples",
    "variant": "a way to apply the technique; the baseline is the model without it",
    "speedup": "the baseline's time for a sample over the variant's: above 1x is faster",
    "step": "how long one step takes: one update in training, one answer in inference",
    "memory": "the most that a step holds, and by how much that differs from the baseline",
    "equal": "whether the results are the baseline's, within the technique's tolerance; "
    "empty where they are meant to differ",
    "limit": "the step's useful work in a second, as a share of what the machine reached in a large "
    "matrix product or copy",
    "samples": "how often it was measured, each time in a process of its own; opened, each one's level, "
    "the raw samples and the command to measure it again",
}


def verdicts() -> Html:
    return _terms("What the verdicts mean", VERDICTS)


def columns() -> Html:
    return _terms("What the columns mean", COLUMNS)


def _terms(says: str, meanings: Mapping[str, str]) -> Html:
    """Folded away: those who know the words need none of it."""
    items = (part for name, means in meanings.items() for part in (tag("dt", name), tag("dd", means)))
    return tag("details", tag("summary", says), tag("dl", *items))


def of_techniques(rows: Iterable[CaseSummary]) -> Html:
    """What each technique of a section does, and what its variants are; nothing where that is unknown."""
    shown: dict[str, dict[str, None]] = {}
    for row in rows:
        shown.setdefault(cells.technique(row), {})[row.case.variant] = None
    known = {name: techniques()[name] for name in shown if name in techniques()}
    parts = [tag("p", tag("strong", name), f": {one.says}.") for name, one in known.items()]
    if variants := {told: says for name, one in known.items() for told, says in _variants(one, shown[name])}:
        parts.append(_terms("What the variants are", variants))
    return tag("div", *parts, class_="about")


def _variants(one: Technique, shown: Iterable[str]) -> Iterable[tuple[str, str]]:
    return [(f"{one.name}:{name}", one.variants[name].says) for name in shown if name in one.variants]


def in_short(spelled: str) -> str:
    """What ``technique:variant`` does; empty for a stack, and for what is unknown here."""
    name = spelled.partition(":")[0]
    return techniques()[name].says if "+" not in spelled and name in techniques() else ""
