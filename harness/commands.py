"""The subcommands that read: list, judge, report, doctor, readme. None imports torch."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import benchmark, folders, lines, store
from harness.errors import BadInput
from harness.lines import AnyRun

if TYPE_CHECKING:
    from harness.judgement import Judgement

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def list_(options: argparse.Namespace) -> int:
    """Every benchmark asked for, with its technique's variants and its workloads in this profile."""
    wanted = benchmark.chosen(options.names, benchmark.discover(options.benchmarks))
    check = benchmark.own(options.benchmarks)  # Ours are tested; checking them takes time.
    rows = [_listed(one, options.profile, options.device, check) for one in wanted]
    if options.format == "json":
        _print_json(rows)
    elif options.format == "markdown":
        from harness.report import markdown

        print(markdown.listing(rows))
    else:
        from harness.report import table

        table.show_list(rows, options.profile)
    return 0


def _listed(one: benchmark.Benchmark, profile: str, device: str, check: bool) -> dict[str, object]:
    from harness.needs import missing

    applied = one.applied
    groups = one.groups(profile, device)
    if check:
        from harness import plan

        plan.able(one, groups)
    return {
        "benchmark": one.name,
        "technique": applied.name,
        "says": one.says or applied.says,
        "baseline": applied.baseline,
        "variants": {
            name: {
                "says": variant.says,
                "needs": list(variant.needs),
                "missing": missing(variant.needs, device),
            }
            for name, variant in applied.variants.items()
            if not one.variants or name in (*one.variants, applied.baseline)
        },
        "workloads": [group[0].group for group in groups],
        "cases": sum(len(group) for group in groups),
    }


@store.uncollected()
def judge(options: argparse.Namespace) -> int:
    """A stored run against the ledger; torch is not needed, nor the machine that ran it."""
    return show(options, lines.glance(options.run or folders.latest(options.out)))


def show(options: argparse.Namespace, run: AnyRun) -> int:
    """The run's rows, claims and targets; exit code 1 with --strict where something does not hold."""
    from harness.judge import strict_failures

    judgement = _judgement(run, getattr(options, "claims", ()))
    if options.format == "json":
        from harness import calibration

        _print_json({"calibration": calibration.beside(run.folder, run.info), **judgement.as_json()})
    elif options.format == "markdown":
        from harness.report import markdown

        print(markdown.run_section(run, judgement))
    else:
        from harness.report import table

        table.show_run(run, judgement)
    failures = strict_failures(judgement) if options.strict else []
    if failures and options.format == "table":
        print("\n".join(f"strict: {failure}" for failure in failures))
    return 1 if failures else 0


def _judgement(run: AnyRun, extra: Sequence[str] = ()) -> Judgement:
    from harness import claims, targets
    from harness.judge import judge as judged

    return judged(run, claims.load(extra=[Path(path) for path in extra]), targets.load(), _measurable())


def _measurable() -> set[str] | None:
    """The techniques that have a benchmark; None where the declarations are not at hand."""
    try:
        return {one.applied.claimed_as for one in benchmark.discover().values()}
    except BadInput:
        return None


def doctor(options: argparse.Namespace) -> int:
    from harness.doctor import examine

    findings = examine()
    if options.format == "json":
        _print_json([{"check": f.check, "ok": f.ok, "says": f.says, "do": f.do} for f in findings])
    else:
        from harness.report import table

        table.show_findings(findings)
    return 0


@store.uncollected()
def report(options: argparse.Namespace) -> int:
    """A page of the runs named, or of each machine's most thorough."""
    from harness import history
    from harness.report import page

    named = [Path(name) for name in options.runs] or folders.foremost(options.out, benchmark.PROFILES)
    if not named:
        raise BadInput(f"no run under {options.out}; start one with: python -m harness run")
    judged = [page.Judged(run, _judgement(run), options.png) for run in map(lines.glance, named)]
    histories = history.read(options.out)
    if options.index:
        from harness.report import index

        with store.write_errors(options.out):
            print(f"wrote {index.write(judged, options.out, histories)}")
    links = [("speed over commits (asv)", options.asv)] if options.asv else []
    with store.write_errors(options.page):
        print(f"wrote {page.write(judged, options.page, links, histories)}; open it in a browser")
    return 0


@store.uncollected()
def readme(options: argparse.Namespace) -> int:
    """Writes a run's picture and table between the markers of a file: no number is ever typed by hand."""
    from harness.report import index, markdown
    from harness.report.judged import Judged

    run = lines.glance(options.run or folders.latest(options.out))
    path = Path(options.file)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    if BEGIN not in text or END not in text:
        raise BadInput(f"{path} has no place for results; add two lines: {BEGIN} and {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    judged = Judged(run, _judgement(run))
    section = markdown.run_section(run, judged.judgement)
    with store.write_errors(path):
        picture = index.picture(judged, run.folder.resolve().parents[1], path)
        store.write_atomically(path, f"{before}{BEGIN}\n{picture}\n\n{section}\n{END}{after}")
    print(f"wrote the table of {run.folder} into {path}")
    return 0


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=1, allow_nan=False))
