"""The errors a user can mend, and the one way a workload says that it cannot run here. A leaf."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(Exception):
    """What the user gave cannot be used: one line that says what is wrong and what to do; exit code 2."""


class Unsupported(Exception):
    """This variant cannot run on this machine; the message names what is missing and what mends it.

    An outcome, not a failure: the worker stores it as ``unsupported: MESSAGE``.
    """


class WorkerFailed(Exception):
    """A worker could not do what it was told; the outcome is what gets stored."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(f"{outcome}: {message}")
        self.outcome = outcome
        self.message = message


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """An unknown name, with the nearest known ones: ``no technique 'amq'; did you mean amp?``"""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names) or 'none'}"
    return BadInput(f"no {kind} {name!r}; {hint}")
