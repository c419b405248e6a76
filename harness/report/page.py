"""One folder with a page that opens from disk: no server, no network. Every number leads to its samples."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from harness import calibration, halves, store
from harness.history import History
from harness.report import cells, explained, headline, html, page_tables, samples
from harness.report.html import Html, tag
from harness.report.judged import Judged as Judged
from harness.report.plots import drawn, style
from harness.report.plots.history import history
from harness.rows import CaseSummary

ASSETS = Path(__file__).parent / "assets"
#: What to turn on, of which as many are on the first screen.
FIRST = 7
INTRODUCTION = (
    "Techniques that are said to make models faster or smaller, each measured against the same model without "
    "it. In brackets the 95 % interval: how far the number moves between fresh launches of the same. "
    "technique:variant is what claimbench calls it, and gpt2-train is GPT-2 in training."
)


def write(
    runs: Sequence[Judged],
    out: Path,
    links: Sequence[tuple[str, str]] = (),
    histories: Sequence[History] = (),
) -> Path:
    """Writes the page of `runs` and all it needs under `out`; `links`: (text, address) of pages beside it."""
    (out / "plots").mkdir(parents=True, exist_ok=True)
    with halves.beside(partial(_write_rest, runs, histories, out)):
        plots = {index: _plots(one, index, out) for index, one in enumerate(runs)}
        body = html.join(
            [
                _top(runs, links, histories),
                tag(
                    "main",
                    _first(runs),
                    _pictures(images.get("", []) for images in plots.values()),
                    page_tables.side_by_side(runs),
                    page_tables.filters(runs),
                    page_tables.claims(runs),
                    tag("h2", "Technique by technique"),
                    explained.columns(),
                    *_techniques(runs, plots),
                    _over_commits(histories),
                    class_="one" if len(runs) == 1 else "several",
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


def _write_rest(runs: Sequence[Judged], histories: Sequence[History], out: Path) -> None:
    """What the page leads to: the samples, and the plots over commits."""
    for one in runs:
        _write_raw(one, out / "raw" / one.machine / one.name)
    png = any(one.png for one in runs)
    for number, each in enumerate(histories):
        if figure := history(each):
            path = out / "plots" / f"commits-{number}"
            style.write(path, style.svg(figure), style.png(figure) if png else None)


def _write_raw(one: Judged, folder: Path) -> None:
    # What an earlier page left there is of no use, and may be large.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(one.run.folder / store.RUN, folder / store.RUN)
    samples.write(one.run, folder)


def _plots(one: Judged, index: int, out: Path) -> dict[str, list[Html]]:
    """The plots of a run by technique, written and as images; under an empty name those of the whole run."""
    found: dict[str, list[Html]] = {}
    for technique, name, svg, png in one.pictures:
        safe = f"{index}-{name.replace(' ', '-')}-{hashlib.sha256(technique.encode()).hexdigest()[:8]}"
        style.write(out / "plots" / safe, svg, png)
        said = f"{name} of {technique or 'all'} on {one.machine}; the table below has the numbers"
        image = tag("img", alt=said, src=f"plots/{safe}.svg", loading="lazy")
        found.setdefault(technique, []).append(image)
    return found


def _over_commits(histories: Sequence[History]) -> Html:
    """Nothing where no commit but one was measured."""
    images = [
        tag(
            "img",
            alt=f"figures of {one.machine} over commits, from {one.source}; the table below has them all",
            src=f"plots/commits-{number}.svg",
            loading="lazy",
        )
        for number, one in enumerate(histories)
        if one.series
    ]
    if not images:
        return Html("")
    table = page_tables.commits(histories)
    return tag("section", tag("h2", "Over commits"), _pictures([images]), table, id="commits")


def _top(runs: Sequence[Judged], links: Sequence[tuple[str, str]], histories: Sequence[History]) -> Html:
    techniques = dict.fromkeys(name for one in runs for name in _by_technique(one))
    entries = [("claims", "#claims"), *((name, f"#{_anchor(name)}") for name in techniques)]
    entries += [("over commits", "#commits")] if histories else []
    entries += links
    items = [tag("li", tag("a", text, href=address)) for text, address in entries]
    return tag(
        "header",
        tag("h1", f"On {'these machines' if len(runs) > 1 else 'this machine'}, turn these on"),
        tag("p", INTRODUCTION),
        tag("nav", tag("ul", *items), aria_label="Page"),
    )


def _anchor(technique: str) -> str:
    return "t-" + hashlib.sha256(technique.encode()).hexdigest()[:8]


def _first(runs: Sequence[Judged]) -> Html:
    return tag("div", *(_card(one) for one in runs), class_="machines")


def _card(one: Judged) -> Html:
    """What to turn on, and beside it what held; so that both are on the first screen."""
    held = [
        tag("p", headline.claims(one.judgement)),
        tag("p", "Targets:"),
        tag("ul", *(tag("li", line) for line in headline.target_lines(one.judgement))),
        tag("p", "How far to trust this: ", calibration.beside(one.run.folder, one.run.info), "."),
    ]
    where = html.link("what was planned, and on what machine", "raw", one.machine, one.name, store.RUN)
    return tag(
        "section",
        tag("h2", one.machine, tag("span", f" {headline.held(one.judgement)}", class_="quiet")),
        tag("div", tag("div", *_gains(one)), tag("div", *held), class_="first"),
        tag("p", cells.heading(one.run.info), ": ", where, class_="quiet"),
        class_="card",
    )


def _gains(one: Judged) -> Iterator[Html]:
    found = [
        tag(
            "li",
            tag("strong", gain.what),
            f" ({says})" if (says := explained.in_short(gain.what)) else "",
            f": {gain.gain} on {gain.where}",
            tag("br"),
            f"besides: {gain.cost}",
        )
        for gain in headline.gains(one.judgement)
    ]
    if not found:
        yield tag("p", headline.nothing(one.judgement))
        return
    yield tag("ul", *found[:FIRST])
    if further := found[FIRST:]:
        yield tag("details", tag("summary", f"{len(further)} more"), tag("ul", *further))


def _by_technique(one: Judged) -> dict[str, list[CaseSummary]]:
    found: dict[str, list[CaseSummary]] = {}
    for row in one.judgement.rows:
        found.setdefault(drawn.technique(row), []).append(row)
    return found


def _techniques(runs: Sequence[Judged], plots: dict[int, dict[str, list[Html]]]) -> Iterator[Html]:
    for name in dict.fromkeys(name for one in runs for name in _by_technique(one)):
        rows = [(one, row) for one in runs for row in _by_technique(one).get(name, [])]
        images = _pictures(found.get(name, []) for found in plots.values())
        about = explained.of_techniques(row for _, row in rows)
        yield tag(
            "section", tag("h3", name), about, images, page_tables.technique(name, rows), id=_anchor(name)
        )


def _pictures(images: Iterable[list[Html]]) -> Html:
    return tag("div", *(image for found in images for image in found), class_="plots")
