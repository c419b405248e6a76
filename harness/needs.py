"""What a variant needs and this machine lacks: CUDA, or a package. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache


def missing(needs: Iterable[str], device: str) -> str | None:
    """What is lacking on this machine and how to get it, or None. Looks at metadata, imports nothing."""
    for need in needs:
        if need == "cuda" and device != "cuda":
            return "needs CUDA"
        lacking = None if need == "cuda" else _not_installed(need)
        if lacking:
            return lacking
    return None


@cache
def _not_installed(requirement: str) -> str | None:
    """What of ``peft>=0.10`` is lacking and how to get it, or None. Slow imports, which judging lacks.

    Behind the requirement may be what pip is to be told where it is not on PyPI: ``--find-links URL``.
    """
    import importlib.metadata

    from packaging.requirements import Requirement

    named, *options = requirement.split(" ", 1)
    wanted, line = Requirement(named), " ".join(["pip install", f"'{named}'", *options])
    try:
        found = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return f"needs {wanted.name}: {line}"
    if not wanted.specifier.contains(found, prereleases=True):
        return f"needs {named}, found {found}: {line}"
    return None
