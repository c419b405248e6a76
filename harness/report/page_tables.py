"""The tables of the page: claims with what was measured, techniques case by case, machines side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import sources, units
from harness.history import History
from harness.judgement import ClaimVerdict
from harness.record import OK
from harness.report import cells, explained, headline, html, samples
from harness.report.html import Html, tag
from harness.report.judged import Judged
from harness.report.plots import history as plot_history
from harness.rows import CaseSummary
from harness.verdict import CONFIRMED, EXCEEDED, INCONCLUSIVE, NOT_MEASURED, REVERSED, SHORT

VERDICTS = (CONFIRMED, EXCEEDED, SHORT, REVERSED, INCONCLUSIVE, NOT_MEASURED)
ROWS = ("machine", *cells.COLUMNS, "samples")
#: Launches of a case whose times the page tells; the journal has those of all.
LEVELS = 30
CLAIMS = ("claim", "source", "claimed", "machine", "workload", "verdict", "what was measured")


def side_by_side(runs: Sequence[Judged]) -> Html:
    """The speedups of the same case on each machine; nothing where there is one."""
    if len(runs) < 2:
        return Html("")
    found = [{row.case.id: row for row in one.judgement.rows if row.speedup} for one in runs]
    columns = ("case", *(f"{one.machine}, {one.run.info['profile']}" for one in runs))
    rows = {name: row for one in found for name, row in one.items() if not row.case.is_baseline}
    lines = [
        tag(
            "tr",
            html.cells([name, *(cells.speedup(one[name]) if name in one else "" for one in found)], columns),
            **_chosen_by(row),
        )
        for name, row in rows.items()
    ]
    table = tag("table", html.head(columns), tag("tbody", *lines))
    return html.join(
        [tag("h2", "Machines side by side: speedup"), html.scrolling(table, "machines side by side")]
    )


def commits(histories: Sequence[History]) -> Html:
    """Every series over the commits, of which the plot shows those that moved most."""
    columns = ("machine", "case", "of", "commits", "what became of it")
    texts = [
        (one.machine, each.name, each.metric, str(len(each.points)), plot_history.says(each))
        for one in histories
        for each in one.series
    ]
    lines = [tag("tr", html.cells(each, columns)) for each in texts]
    table = tag("table", html.head(columns), tag("tbody", *lines))
    return tag("details", tag("summary", f"all {len(lines)} series"), html.scrolling(table, "over commits"))


def filters(runs: Sequence[Judged]) -> Html:
    rows = [row for one in runs for row in one.judgement.rows]
    choices = {
        "phase": sorted({row.case.phase for row in rows}),
        "model": sorted({row.case.model for row in rows}),
        "device": sorted({row.case.device for row in rows}),
        "machine": sorted({one.machine for one in runs}),
        "verdict": ["measured", *VERDICTS],
    }
    fields = []
    for name, values in choices.items():
        options = [tag("option", f"any {name}", value="")]
        options += [
            tag("option", value, value=value, selected="selected" if value == "measured" else False)
            for value in values
        ]
        fields.append(tag("label", name, tag("select", *options, data_filter=name, aria_label=name)))
    shown = tag("output", id="shown")
    form = tag("form", *fields, shown, aria_label="Filters", hidden="hidden")
    return html.join([tag("h2", "Choose what to see"), form])


def claims(runs: Sequence[Judged]) -> Html:
    """Claims that contradict each other stand together, each with what every machine measured."""
    by_claim: dict[str, list[tuple[str, ClaimVerdict]]] = {}
    for one in runs:
        for verdict in one.judgement.claims:
            by_claim.setdefault(verdict.claim.id, []).append((one.machine, verdict))
    case_models = {row.case.id: row.case for one in runs for row in one.judgement.rows}
    stated = {name: verdicts[0][1].claim.source for name, verdicts in by_claim.items()}
    bodies = []
    for cluster in headline.clusters([verdicts[0][1].claim for verdicts in by_claim.values()]):
        lines = []
        for machine, told in (pair for claim in cluster for pair in by_claim[claim.id]):
            case = case_models.get(told.cases[0]) if told.cases else None
            claimed = headline.claimed(told.claim, told.found.show if told.found else None)
            texts = (told.claim.says, _source(told, stated), claimed, machine, told.workload)
            marked = tag("span", told.verdict, class_=told.verdict)
            data: dict[str, str] = {
                "data_phase": told.claim.phase,
                "data_verdict": told.verdict,
                "data_machine": machine,
            }
            data |= {"data_model": case.model, "data_device": case.device} if case else {}
            lines.append(tag("tr", html.cells((*texts, marked, told.reason), CLAIMS), **data))
        bodies.append(tag("tbody", *lines))
    table = tag("table", html.head(CLAIMS), *bodies)
    says = "A thick line parts the claims; sources that contradict each other stand between the same two."
    about = (tag("p", says), explained.verdicts())
    return tag("section", tag("h2", "Claims"), *about, html.scrolling(table, "claims"), id="claims")


def _source(one: ClaimVerdict, stated: Mapping[str, str]) -> str:
    """Where it is said, and where another thing is: `stated` has the source of each claim of the page."""
    others = dict.fromkeys(sources.readable(stated.get(name, name)) for name in one.claim.contradicted_by)
    told = sources.readable(one.claim.source)
    return told + (f"; contradicted by {', '.join(others)}" if others else "")


def technique(name: str, pairs: Sequence[tuple[Judged, CaseSummary]]) -> Html:
    """The cases of one technique, of every run."""
    lines = [_row(*pair) for pair in pairs]
    return html.scrolling(tag("table", html.head(ROWS), tag("tbody", *lines)), name)


def _row(one: Judged, row: CaseSummary) -> Html:
    where, _, *figures = cells.cells(row)
    texts = (one.machine, where, cells.variant(row), *figures, _samples(one, row))
    return tag("tr", html.cells(texts, ROWS), data_machine=one.machine, **_chosen_by(row))


def _chosen_by(row: CaseSummary) -> dict[str, str]:
    """What the filters look at."""
    case = row.case
    return {"data_phase": case.phase, "data_model": case.model, "data_device": case.device}


def _levels(seconds: Sequence[float]) -> str:
    more = f" and {len(seconds) - LEVELS} more" if len(seconds) > LEVELS else ""
    return ", ".join(map(units.seconds, seconds[:LEVELS])) + more


def _samples(one: Judged, row: CaseSummary) -> Html:
    """What a number comes from: the level of each launch, the line in the journal, the command."""
    command, besides = one.again(row)
    levels = _levels(row.timing.levels) if row.timing else "not timed"
    failed = "" if row.outcome == OK else f"outcome: {row.outcome}"
    raw = html.link("its samples", "raw", one.machine, one.name, samples.file_of(row.case.benchmark))
    return tag(
        "details",
        tag("summary", f"{row.n} launches" if row.n else " and ".join(sorted(row.kinds)) or "none"),
        tag("p", f"step of each launch: {levels}. {failed}"),
        tag("p", raw, f", under {row.case.id}"),
        tag("p", f"To measure it again, which measures {besides}:"),
        tag("pre", command),
    )
