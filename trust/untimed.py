"""What no clock has a part in, memory and faults: several beside each other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from trust.journal import Journal, Json

#: What a line of the journal is known by, and what finds the rest of it, in a folder of its own.
Untimed = tuple[Json, Callable[[Path], Json]]
#: Of these at once: most wait for a tool that starts, or for what hangs.
BESIDE = 4


def run(parts: Iterable[Untimed], journal: Journal) -> None:
    """Measures what the journal lacks."""
    with ThreadPoolExecutor(BESIDE) as pool:
        asked = {pool.submit(_found, find): key for key, find in parts if not journal.has(**key)}
        for done in as_completed(asked):
            journal.append({**asked[done], "condition": "", **done.result()})


def _found(find: Callable[[Path], Json]) -> Json:
    """What is found; of a tool that breaks, or is not installed, why: the others go on."""
    start, found, why = time.monotonic(), {}, ""
    with tempfile.TemporaryDirectory(prefix="trust-", ignore_cleanup_errors=True) as scratch:
        try:
            found = find(Path(scratch) / "work")
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:200]
    return {**found, "wall": round(time.monotonic() - start, 3), "words": why}
