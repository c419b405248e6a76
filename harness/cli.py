"""The command line: ``python -m harness list|run|judge|compare|calibrate|report|doctor|readme``.

Importing this imports no torch; what a subcommand needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import harness
from harness import examples, options
from harness.errors import BadInput
from harness.options import BAD_INPUT, Parser

RAN, INTERRUPTED = 0, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; the exit code."""
    try:
        with _ended_as_by_ctrl_c():
            given = _parser().parse_args(arguments)
            code: int = given.command(given)
            return code
    except BadInput as error:
        print(f"claimbench: {error}", file=sys.stderr)
        return BAD_INPUT
    except ModuleNotFoundError as error:
        if (error.name or "harness").startswith("harness"):
            raise
        mend = "use .nox/env/bin/python, which nox -s bench makes, or: pip install -c constraints.txt -e ."
        print(f"claimbench: this Python lacks {error.name}; {mend}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader, a pager or head, has seen enough.
        sys.stderr.close()
        return RAN
    except OSError as error:  # A full disk, a folder that may not be written, a file that is none.
        where = error.filename or "a file cannot be read or written"
        print(f"claimbench: {where}: {error.strerror or error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """A cancelled job, or a terminal that is closed, ends a run as Ctrl-C does, and leaves no less."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    # One that is ignored stays so, as under nohup.
    ends = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    try:
        for one in ends:
            signal.signal(one, interrupt)
        yield
    finally:
        for one in ends:
            signal.signal(one, signal.SIG_DFL)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m harness",
        description=str(harness.__doc__).splitlines()[0],
        epilog=examples.START,
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


def _command(commands: argparse._SubParsersAction[Parser], name: str, says: str) -> Parser:
    """A subcommand, whose help ends with what to type."""
    return commands.add_parser(
        name,
        help=says,
        description=f"{says[0].upper()}{says[1:]}.",
        epilog=examples.of(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_list(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(
        commands, "list", "the techniques, their variants and the workloads they are measured on"
    )
    parser.add_argument("names", nargs="*", metavar="TECHNIQUE", help="only these; default: all")
    options.profile(parser, None)
    options.benchmarks(parser)
    options.device(parser, ("cpu", "cuda"), "cpu")
    options.format(parser, "markdown")
    parser.set_defaults(command=_later("commands", "list_"))


def _add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "run", "measure, and judge what was measured")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="TECHNIQUE",
        help="a technique, or a stack such as mixed-precision:bf16+compile:default",
    )
    options.profile(parser, "quick")
    options.benchmarks(parser)
    options.device(parser, ("auto", "cpu", "cuda"), "auto")
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="wall time, such as 90s, 10m or 2h; default: the profile's, less for techniques that are named",
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on with a run; default: the last that did not finish",
    )
    options.out(parser)
    parser.add_argument("--memory-limit", metavar="SIZE", help="bound of a worker's host memory, such as 8G")
    parser.add_argument(
        "--timeout", metavar="TIME", default="5m", help="a case that hangs this long is ended; default 5m"
    )
    options.strict(parser)
    options.format(parser, "markdown")
    parser.set_defaults(command=_later("session", "run"))


def _add_judge(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "judge", "a stored run against every claim and target")
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's folder; default: the last one")
    options.out(parser)
    parser.add_argument(
        "--claims", action="append", default=[], metavar="FILE", help="a claims file of your own as well"
    )
    options.strict(parser)
    options.format(parser, "markdown")
    parser.set_defaults(command=_later("commands", "judge"))


def _add_doctor(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "doctor", "what on this machine makes numbers bad, and what to do about it")
    options.format(parser)
    parser.set_defaults(command=_later("commands", "doctor"))


def _add_report(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "report", "a page with plots of one or several runs, to open from disk")
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="runs' folders; default: each machine's most thorough, the newest",
    )
    options.out(parser)
    parser.add_argument("--page", type=Path, default=Path("report"), metavar="DIR", help="default: report")
    parser.add_argument("--asv", metavar="ADDRESS", help="where asv's own site is, seen from the page")
    parser.add_argument(
        "--png", action="store_true", help="write each plot as PNG too, to put elsewhere; the page has SVG"
    )
    parser.add_argument(
        "--index", action="store_true", help="write README.md under the results folder as well"
    )
    parser.set_defaults(command=_later("commands", "report"))


def _add_readme(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "readme", "write a run's table between the results markers of a README")
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's folder; default: the last one")
    options.out(parser)
    parser.add_argument("--file", default="README.md", metavar="FILE", help="default: README.md")
    parser.set_defaults(command=_later("commands", "readme"))


def _add_compare(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "compare", "two commits, environments or stored runs: what got worse")
    add = parser.add_argument
    add("sides", nargs="*", metavar="A B [TECHNIQUE]", help="commits (. is the tree as it is) or runs")
    add("--python", action="append", default=[], metavar="PYTHON", help="twice: two environments instead")
    add("--bisect", nargs=3, metavar=("GOOD", "BAD", "CASE"), help="which commit made a case slower")
    add("--error", type=float, default=0.05, metavar="P", help="of --bisect: chance of naming a wrong one")
    says = "exit 1 for slower:5%%, memory:1%%, compile:20%%, different or fails; again for more"
    add("--fail-on", action="append", default=[], metavar="WHAT", help=says)
    add("--budget", metavar="TIME", help="wall time, such as 90s, 10m or 2h; default: the profile's")
    says = "how sharply each case's time is to be known, while the budget lasts; default 2%%"
    add("--precision", metavar="PERCENT", default="2%", help=says)
    add("--timeout", metavar="TIME", default="5m", help="a case that hangs this long is ended; default 5m")
    add("--resume", metavar="FOLDER", help="go on with a comparison of the same two")
    add("--benchmarks", type=Path, metavar="DIR", help="a folder of your own declarations")
    add("--format", choices=("table", "json", "markdown"), default="table", help="default: table")
    options.profile(parser, "quick")
    options.device(parser, ("auto", "cpu", "cuda"), "auto")
    options.out(parser)
    parser.set_defaults(command=_compare)


def _add_calibrate(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _command(commands, "calibrate", "how far verdicts are to be trusted on this machine, now")
    add = parser.add_argument
    add("--budget", metavar="TIME", default="5m", help="wall time, such as 5m or 1h; default: 5m")
    add("--timeout", metavar="TIME", default="5m", help="a step that hangs this long is ended; default 5m")
    options.profile(parser, "quick")
    options.device(parser, ("auto", "cpu", "cuda"), "auto")
    options.out(parser)
    options.format(parser)
    parser.set_defaults(command=_later("commands_calibrate", "run"))


def _later(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """`function` of a module of ours that is imported when it is called."""

    def call(given: argparse.Namespace) -> int:
        code: int = getattr(importlib.import_module(f"harness.{module}"), function)(given)
        return code

    return call


def _compare(given: argparse.Namespace) -> int:
    return _later("commands_bisect" if given.bisect else "commands_compare", "run")(given)
