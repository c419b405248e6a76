"""Options that several subcommands take, and a parser that says what is wrong in one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from harness.benchmark import BENCHMARKS, PROFILES

BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def profile(parser: Parser, default: str | None) -> None:
    says = "how much is measured" + (f"; default: {default}" if default else "; default: quick")
    parser.add_argument("--profile", choices=PROFILES, default=default or "quick", help=says)


def benchmarks(parser: Parser) -> None:
    parser.add_argument(
        "--benchmarks", type=Path, default=BENCHMARKS, metavar="DIR", help="a folder of your own declarations"
    )


def device(parser: Parser, choices: Sequence[str], default: str) -> None:
    parser.add_argument("--device", choices=choices, default=default, help=f"default: {default}")


def out(parser: Parser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="results folder; default: results"
    )


def strict(parser: Parser) -> None:
    says = "exit 1 for a missed target, a contradicted claim or a wrong result"
    parser.add_argument("--strict", action="store_true", help=says)


def format(parser: Parser, *more: str) -> None:
    parser.add_argument("--format", choices=("table", "json", *more), default="table", help="default: table")
