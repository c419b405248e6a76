"""One folder with a page that opens from disk: no server, no network. Every number leads to its samples."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from harness import store, units
from harness.judgement import ClaimVerdict, Judgement
from harness.record import OK
from harness.report import cells, headline, html
from harness.report.html import Html, tag
from harness.report.plots import drawn
from harness.rows import CaseSummary
from harness.store import Run
from harness.verdict import CONFIRMED, EXCEEDED, INCONCLUSIVE, NOT_MEASURED, REVERSED, SHORT

ASSETS = Path(__file__).parent / "assets"
VERDICTS = (CONFIRMED, EXCEEDED, SHORT, REVERSED, INCONCLUSIVE, NOT_MEASURED)
ROWS = ("machine", *cells.COLUMNS, "samples")
CLAIMS = ("claim", "source", "claimed", "machine", "workload", "verdict", "what was measured")


class Judged(NamedTuple):
    """A run with its verdicts."""

    run: Run
    judgement: Judgement

    @property
    def machine(self) -> str:
        return self.run.folder.resolve().parent.name

    @property
    def name(self) -> str:
        return self.run.folder.resolve().name


def write(runs: Sequence[Judged], out: Path, links: Sequence[tuple[str, str]] = ()) -> Path:
    """Writes the page of `runs` and all it needs under `out`; `links`: (text, address) of pages beside it."""
    out.mkdir(parents=True, exist_ok=True)
    for one in runs:
        _copy_raw(one, out)
    plots = {index: _plots(one, index, out) for index, one in enumerate(runs)}
    body = html.join(
        [
            _top(runs, links),
            tag(
                "main",
                _first(runs),
                _side_by_side(runs),
                _filters(runs),
                _claims(runs),
                *_techniques(runs, plots),
            ),
        ]
    )
    path = out / "index.html"
    store.write_atomically(path, _document(body))
    return path


def _document(body: Html) -> str:
    style, script = ((ASSETS / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>claimbench: measured</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{style}</style></head><body>{body}<script>{script}</script></body></html>\n"
    )


def _copy_raw(one: Judged, out: Path) -> None:
    folder = out / "raw" / one.machine / one.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in (store.RUN, store.JOURNAL):
        if (one.run.folder / name).exists():
            shutil.copyfile(one.run.folder / name, folder / name)


def _plots(one: Judged, index: int, out: Path) -> dict[str, list[Html]]:
    """The plots of a run by technique, written and as images; under an empty name those of the whole run."""
    (out / "plots").mkdir(exist_ok=True)
    found: dict[str, list[Html]] = {}
    for technique, name, figure in drawn.all_of(one.run, one.judgement):
        safe = f"{index}-{name.replace(' ', '-')}-{hashlib.sha256(technique.encode()).hexdigest()[:8]}"
        drawn.write(figure, out / "plots" / safe)
        said = f"{name} of {technique or 'all'} on {one.machine}; the table below has the numbers"
        image = tag("img", alt=said, src=f"plots/{safe}.svg", loading="lazy")
        found.setdefault(technique, []).append(image)
    return found


def _top(runs: Sequence[Judged], links: Sequence[tuple[str, str]]) -> Html:
    techniques = dict.fromkeys(name for one in runs for name in _by_technique(one))
    entries = [("claims", "#claims"), *((name, f"#{_anchor(name)}") for name in techniques), *links]
    items = [tag("li", tag("a", text, href=address)) for text, address in entries]
    return tag(
        "header",
        tag("h1", "On this machine, turn these on"),
        tag("nav", tag("ul", *items), aria_label="Page"),
    )


def _anchor(technique: str) -> str:
    return "t-" + hashlib.sha256(technique.encode()).hexdigest()[:8]


def _first(runs: Sequence[Judged]) -> Html:
    return tag("div", *(_card(one) for one in runs), class_="machines")


def _card(one: Judged) -> Html:
    gains = [
        tag(
            "li",
            tag("strong", gain.what),
            f": {gain.gain} on {gain.where}",
            tag("br"),
            f"besides: {gain.cost}",
        )
        for gain in headline.gains(one.judgement)
    ] or [tag("li", "nothing here is measurably better than the baseline")]
    raw = ("raw", one.machine, one.name)
    return tag(
        "section",
        tag("h2", one.machine),
        tag("ul", *gains),
        tag("p", headline.claims(one.judgement)),
        tag("p", headline.targets(one.judgement)),
        tag("p", cells.heading(one.run.info), class_="quiet"),
        tag("p", html.link("run.json", *raw, store.RUN), " ", html.link("all samples", *raw, store.JOURNAL)),
        class_="card",
    )


def _side_by_side(runs: Sequence[Judged]) -> Html:
    """The speedups of the same case on each machine; nothing where there is one."""
    if len(runs) < 2:
        return Html("")
    found = [{row.case.id: row for row in one.judgement.rows if row.speedup} for one in runs]
    columns = ("case", *(f"{one.machine}, {one.run.info['profile']}" for one in runs))
    lines = [
        tag(
            "tr",
            html.cells([name, *(cells.speedup(one[name]) if name in one else "" for one in found)], columns),
        )
        for name in dict.fromkeys(name for one in found for name in one)
    ]
    table = tag("table", html.head(columns), tag("tbody", *lines))
    return html.join(
        [tag("h2", "Machines side by side: speedup"), html.scrolling(table, "machines side by side")]
    )


def _filters(runs: Sequence[Judged]) -> Html:
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


def _claims(runs: Sequence[Judged]) -> Html:
    """Claims that contradict each other stand together, each with what every machine measured."""
    by_claim: dict[str, list[tuple[str, ClaimVerdict]]] = {}
    for one in runs:
        for verdict in one.judgement.claims:
            by_claim.setdefault(verdict.claim.id, []).append((one.machine, verdict))
    case_models = {row.case.id: row.case for one in runs for row in one.judgement.rows}
    bodies = []
    for cluster in headline.clusters([verdicts[0][1].claim for verdicts in by_claim.values()]):
        lines = []
        for machine, told in (pair for claim in cluster for pair in by_claim[claim.id]):
            case = case_models.get(told.cases[0]) if told.cases else None
            texts = (told.claim.says, _source(told), headline.claimed(told.claim), machine, told.workload)
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
    return tag("section", tag("h2", "Claims"), tag("p", says), html.scrolling(table, "claims"), id="claims")


def _source(one: ClaimVerdict) -> str:
    other = ", ".join(one.claim.contradicted_by)
    return one.claim.source + (f"; contradicted by {other}" if other else "")


def _by_technique(one: Judged) -> dict[str, list[CaseSummary]]:
    found: dict[str, list[CaseSummary]] = {}
    for row in one.judgement.rows:
        found.setdefault(drawn.technique(row), []).append(row)
    return found


def _techniques(runs: Sequence[Judged], plots: dict[int, dict[str, list[Html]]]) -> Iterator[Html]:
    yield tag(
        "section", tag("h2", "Targets and limits"), _pictures(images.get("", []) for images in plots.values())
    )
    for name in dict.fromkeys(name for one in runs for name in _by_technique(one)):
        lines = [_row(one, row) for one in runs for row in _by_technique(one).get(name, [])]
        table = tag("table", html.head(ROWS), tag("tbody", *lines))
        images = _pictures(found.get(name, []) for found in plots.values())
        yield tag("section", tag("h2", name), images, html.scrolling(table, name), id=_anchor(name))


def _pictures(images: Iterable[list[Html]]) -> Html:
    return tag("div", *(image for found in images for image in found), class_="plots")


def _row(one: Judged, row: CaseSummary) -> Html:
    case = row.case
    data = {"data_phase": case.phase, "data_model": case.model, "data_device": case.device}
    texts = (one.machine, *cells.cells(row), _samples(one, row))
    return tag("tr", html.cells(texts, ROWS), data_machine=one.machine, **data)


def _samples(one: Judged, row: CaseSummary) -> Html:
    """What a number comes from: the level of each launch, the line in the journal, the command."""
    info = one.run.info
    what = shlex.quote(row.case.benchmark)
    again = f"python -m harness run {what} --profile {info['profile']} --device {row.case.device}"
    if commit := info.get("machine", {}).get("commit"):
        again = f"git checkout {shlex.quote(str(commit))}\n{again}"
    levels = ", ".join(units.seconds(level) for level in row.timing.levels) if row.timing else "not timed"
    failed = "" if row.outcome == OK else f"outcome: {row.outcome}"
    return tag(
        "details",
        tag("summary", f"{row.n} launches"),
        tag("p", f"step of each launch: {levels}. {failed}"),
        tag(
            "p",
            f"case {row.case.id} in ",
            html.link(store.JOURNAL, "raw", one.machine, one.name, store.JOURNAL),
        ),
        tag("pre", again),
    )
