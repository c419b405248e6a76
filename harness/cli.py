"""The command line: ``python -m harness list|run|judge|compare|calibrate|report|doctor|readme``.

Importing this imports no torch; what a subcommand needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import harness
from harness.benchmark import BENCHMARKS, PROFILES
from harness.errors import BadInput

RAN, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

EPILOG = """\
start here:
  python -m harness doctor                     what on this machine would make numbers bad
  python -m harness run                        measure everything quickly (within 20 minutes)
  python -m harness run mixed-precision --profile standard
  python -m harness run mixed-precision:bf16+checkpointing:full
  python -m harness report                     a page with plots, to open from disk
  python -m harness judge                      what the last run says about claims and targets

exit codes: 0 ran (a failed case is data), 1 --strict found a missed target, a contradicted claim or a wrong
result, 2 bad input, 130 interrupted"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
        return code
    except BadInput as error:
        print(f"claimbench: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader, a pager or head, has seen enough.
        sys.stderr.close()
        return RAN
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> Parser:
    parser = Parser(
        prog="python -m harness",
        description=harness.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"claimbench {harness.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(commands)
    _add_run(commands)
    _add_judge(commands)
    _add_doctor(commands)
    _add_report(commands)
    _add_readme(commands)
    _add_compare(commands)
    _add_calibrate(commands)
    return parser


def _add_list(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "list", help="the techniques, their variants and the workloads they are measured on"
    )
    parser.add_argument("names", nargs="*", metavar="TECHNIQUE", help="only these; default: all")
    _profile(parser, None)
    _benchmarks(parser)
    _device(parser, ("cpu", "cuda"), "cpu")
    _format(parser, "markdown")
    parser.set_defaults(command=_list)


def _add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("run", help="measure, and judge what was measured")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="TECHNIQUE",
        help="a technique, or a stack such as mixed-precision:bf16+compile:default",
    )
    _profile(parser, "quick")
    _benchmarks(parser)
    _device(parser, ("auto", "cpu", "cuda"), "auto")
    parser.add_argument(
        "--budget", metavar="TIME", help="wall time, such as 90s, 10m or 2h; default: the profile's"
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on with a run; default: the last that did not finish",
    )
    _out(parser)
    parser.add_argument("--memory-limit", metavar="SIZE", help="bound of a worker's host memory, such as 8G")
    parser.add_argument(
        "--timeout", metavar="TIME", default="5m", help="a case that hangs this long is ended; default 5m"
    )
    _strict(parser)
    _format(parser, "markdown")
    parser.set_defaults(command=_run)


def _add_judge(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("judge", help="a stored run against every claim and target")
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's folder; default: the last one")
    _out(parser)
    parser.add_argument(
        "--claims", action="append", default=[], metavar="FILE", help="a claims file of your own as well"
    )
    _strict(parser)
    _format(parser, "markdown")
    parser.set_defaults(command=_judge)


def _add_doctor(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "doctor", help="what on this machine makes numbers bad, and what to do about it"
    )
    _format(parser)
    parser.set_defaults(command=_doctor)


def _add_report(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("report", help="a page with plots of one or several runs, to open from disk")
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="runs' folders; default: each machine's newest of each profile"
    )
    _out(parser)
    parser.add_argument("--page", type=Path, default=Path("report"), metavar="DIR", help="default: report")
    parser.add_argument("--asv", metavar="ADDRESS", help="where asv's own site is, seen from the page")
    parser.add_argument(
        "--png", action="store_true", help="write each plot as PNG too, to put elsewhere; the page has SVG"
    )
    parser.add_argument(
        "--index", action="store_true", help="write README.md under the results folder as well"
    )
    parser.set_defaults(command=_report)


def _add_readme(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("readme", help="write a run's table between the results markers of a README")
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's folder; default: the last one")
    _out(parser)
    parser.add_argument("--file", default="README.md", metavar="FILE", help="default: README.md")
    parser.set_defaults(command=_readme)


def _add_compare(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("compare", help="two commits, environments or stored runs: what got worse")
    add = parser.add_argument
    add("sides", nargs="*", metavar="A B [TECHNIQUE]", help="commits (. is the tree as it is) or runs")
    add("--python", action="append", default=[], metavar="PYTHON", help="twice: two environments instead")
    add("--bisect", nargs=3, metavar=("GOOD", "BAD", "CASE"), help="which commit made a case slower")
    add("--error", type=float, default=0.05, metavar="P", help="of --bisect: chance of naming a wrong one")
    says = "exit 1 for slower:5%%, memory:1%%, compile:20%%, different or fails; again for more"
    add("--fail-on", action="append", default=[], metavar="WHAT", help=says)
    add("--budget", metavar="TIME", help="wall time, such as 90s, 10m or 2h; default: the profile's")
    add("--timeout", metavar="TIME", default="5m", help="a case that hangs this long is ended; default 5m")
    add("--resume", metavar="FOLDER", help="go on with a comparison of the same two")
    add("--benchmarks", type=Path, metavar="DIR", help="a folder of your own declarations")
    add("--format", choices=("table", "json", "markdown"), default="table", help="default: table")
    _profile(parser, "quick")
    _device(parser, ("auto", "cpu", "cuda"), "auto")
    _out(parser)
    parser.set_defaults(command=_compare)


def _add_calibrate(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("calibrate", help="how far verdicts are to be trusted on this machine, now")
    add = parser.add_argument
    add("--budget", metavar="TIME", default="5m", help="wall time, such as 5m or 1h; default: 5m")
    add("--timeout", metavar="TIME", default="5m", help="a step that hangs this long is ended; default 5m")
    _profile(parser, "quick")
    _device(parser, ("auto", "cpu", "cuda"), "auto")
    _out(parser)
    _format(parser)
    parser.set_defaults(command=_calibrate)


def _profile(parser: Parser, default: str | None) -> None:
    says = "how much is measured" + (f"; default: {default}" if default else "; default: quick")
    parser.add_argument("--profile", choices=PROFILES, default=default or "quick", help=says)


def _benchmarks(parser: Parser) -> None:
    parser.add_argument(
        "--benchmarks", type=Path, default=BENCHMARKS, metavar="DIR", help="a folder of your own declarations"
    )


def _device(parser: Parser, choices: Sequence[str], default: str) -> None:
    parser.add_argument("--device", choices=choices, default=default, help=f"default: {default}")


def _out(parser: Parser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="results folder; default: results"
    )


def _strict(parser: Parser) -> None:
    says = "exit 1 for a missed target, a contradicted claim or a wrong result"
    parser.add_argument("--strict", action="store_true", help=says)


def _format(parser: Parser, *more: str) -> None:
    parser.add_argument("--format", choices=("table", "json", *more), default="table", help="default: table")


def _list(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.list_(options)


def _run(options: argparse.Namespace) -> int:
    from harness import session

    return session.run(options)


def _judge(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.judge(options)


def _doctor(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.doctor(options)


def _report(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.report(options)


def _readme(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.readme(options)


def _compare(options: argparse.Namespace) -> int:
    from harness import commands_bisect, commands_compare

    return commands_bisect.run(options) if options.bisect else commands_compare.run(options)


def _calibrate(options: argparse.Namespace) -> int:
    from harness import commands_calibrate

    return commands_calibrate.run(options)
