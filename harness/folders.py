"""Which runs a results folder holds, and which of them is meant where none is named. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import store
from harness.errors import BadInput
from harness.record import SCHEMA


def runs(results: Path) -> list[Path]:
    """The run folders under `results`, oldest first."""
    return sorted((path.parent for path in results.glob(f"*/*/{store.RUN}")), key=lambda folder: folder.name)


def beside(folder: Path) -> list[Path]:
    """The same machine's other runs, oldest first."""
    return sorted(path.parent for path in folder.parent.glob(f"*/{store.RUN}") if path.parent != folder)


def foremost(results: Path, profiles: Sequence[str]) -> list[Path]:
    """The run to show of each machine and device: one of everything, of the last profile, the newest."""
    found: dict[tuple[str, str], tuple[bool, int, Path]] = {}
    for folder in runs(results):
        info = store.read_json(folder / store.RUN, newest=SCHEMA)
        rank = profiles.index(info["profile"]) if info.get("profile") in profiles else -1
        this = (not info.get("names"), rank, folder)
        key = folder.parent.name, str(info.get("device"))
        found[key] = max(found.get(key, this), this, key=lambda one: (*one[:2], one[2].name))
    return sorted(folder for *_, folder in found.values())


def latest(results: Path, *, unfinished: bool = False) -> Path:
    """The newest run, or the newest that was not finished. Raises BadInput when there is none."""
    for folder in reversed(runs(results)):
        if not unfinished or store.header(folder).info.get("finished") is None:
            return folder
    kind = "unfinished run" if unfinished else "run"
    raise BadInput(f"no {kind} under {results}; start one with: python -m harness run")
