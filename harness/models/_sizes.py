"""How a model's parameters are settled: the size's table, with what the caller overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import BadInput, unknown

Sizes = Mapping[str, Mapping[str, Any]]

PHASES = ("train", "infer")


def table(columns: tuple[str, ...], **rows: tuple[Any, ...]) -> Sizes:
    """Sizes by name, each with a value for every column."""
    return {size: dict(zip(columns, row, strict=True)) for size, row in rows.items()}


def settled(
    model: str, sizes: Sizes, *, phase: str, size: str, phases: tuple[str, ...] = PHASES, **given: Any
) -> dict[str, Any]:
    """Every parameter with its value, `size` first; those given as None keep the size's.

    `phases` are those that the model has. Raises BadInput for a phase, size, parameter or value that it does
    not have.
    """
    if phase not in phases:
        raise unknown(f"phase of {model}", phase, phases)
    if size not in sizes:
        raise unknown(f"size of {model}", size, sizes)
    defaults = sizes[size]
    for name, value in given.items():
        if name not in defaults:
            raise unknown(f"parameter of {model}", name, defaults)
        if value is not None:
            _check(model, name, value, defaults[name])
    return {"size": size, **defaults, **{name: value for name, value in given.items() if value is not None}}


def _check(model: str, name: str, value: Any, default: Any) -> None:
    """The value must be of the default's kind; numbers at least 1."""
    kind = type(default)
    fits = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
    if not fits or (kind in (int, float) and value < 1):
        wanted = {int: "a whole number of at least 1", float: "a number such as 4.0", bool: "true or false"}
        raise BadInput(f"{name} of {model} must be {wanted.get(kind, 'a word')}, not {value!r}")


def multiple(model: str, name: str, value: int, of: int, why: str) -> int:
    """`value` / `of`. Raises BadInput if that leaves a remainder, with the nearest values that do not."""
    if value % of:
        near = sorted({max(of, value // of * of), (value // of + 1) * of})
        raise BadInput(
            f"{name} of {model} must be a multiple of {of}, {why}: {' or '.join(map(str, near))}, not {value}"
        )
    return value // of


def one_of(model: str, name: str, value: Any, known: tuple[Any, ...]) -> None:
    """Raises BadInput for a value that is not among `known`."""
    if value not in known:
        raise BadInput(f"{name} of {model} must be one of {', '.join(map(str, known))}, not {value!r}")
