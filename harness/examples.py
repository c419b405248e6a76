"""What to type next: the texts at the end of each ``--help``. A leaf."""

from __future__ import annotations

START = """\
start here:
  python -m harness doctor                     what on this machine would make numbers bad
  python -m harness run                        measure everything quickly (within 20 minutes)
  python -m harness run mixed-precision --profile standard
  python -m harness run mixed-precision:bf16+checkpointing:full
  python -m harness report                     a page with plots, to open from disk
  python -m harness judge                      what the last run says about claims and targets
  python -m harness COMMAND --help             its options, with examples

exit codes: 0 ran (a failed case is data), 1 --strict found a missed target, a contradicted claim or a wrong
result, 2 bad input, 130 interrupted"""

#: What to type, and what for; ``python -m harness`` comes before each.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "list": (
        ("list", "everything that quick measures"),
        ("list streaming --profile full", "one technique: its variants, its workloads"),
    ),
    "run": (
        ("run", "everything, within 20 minutes"),
        ("run mixed-precision --budget 5m", "one technique; names are those of list"),
        ("run mixed-precision:bf16+checkpointing:full", "a stack of techniques"),
        ("run --benchmarks my_folder", "declarations of your own"),
        ("run --resume", "go on with the last that did not finish"),
    ),
    "judge": (
        ("judge", "the last run"),
        ("judge results/MACHINE/RUN --format json", "each claim and target with its reason"),
        ("judge --claims mine.toml --strict", "claims of your own; exit 1 where one is contradicted"),
    ),
    "doctor": (("doctor", "before a run whose numbers are to be trusted"),),
    "compare": (
        ("compare main . --fail-on slower:5%", "the tree as it is against main"),
        ("compare main . streaming --precision 1%", "one technique only, and more sharply"),
        ("compare --python old/bin/python --python new/bin/python control", "two environments"),
        ("compare results/MACHINE/RUN1 results/MACHINE/RUN2", "two stored runs"),
        ("compare --bisect HEAD~9 HEAD 'CASE'", "which commit made a case slower; CASE as the page names it"),
    ),
    "calibrate": (("calibrate --budget 15m", "the longer, the tighter what is known of this machine"),),
    "report": (("report", "then open report/index.html"), ("report results/MACHINE/RUN --png", "one run")),
    "readme": (("readme results/MACHINE/RUN", "its table, into README.md"),),
}


def of(command: str) -> str:
    """The examples of a subcommand, one a line, each with what it is for."""
    width = max(len(typed) for typed, _ in EXAMPLES[command])
    lines = [f"  python -m harness {typed:{width}}  {why}" for typed, why in EXAMPLES[command]]
    return "\n".join(["for example:", *lines])
