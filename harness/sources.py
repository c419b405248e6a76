"""What the source of a claim is called where people read it; stored, and in JSON, it is as in the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from harness import claims

GUIDE = re.compile(r"guide:((\d+)?\S*\.txt)")


def readable(source: str) -> str:
    """``guide:002_a1b.txt; arXiv 1604.06174`` as ``performance tuning guide (002); arXiv 1604.06174``."""
    return GUIDE.sub(_called, source)


def _called(found: re.Match[str]) -> str:
    name, number = found.groups()
    called = guides().get(name, "a guide")
    return f"{called} ({number or name})"


@cache
def guides() -> Mapping[str, str]:
    """The name of each guide by its file, as the ledger has it."""
    return {
        str(one["file"]): str(one["called"]) for one in claims.tables(claims.LEDGER / "sources.toml", "guide")
    }
