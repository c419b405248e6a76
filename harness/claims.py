"""Claims: what somebody said an optimization does, as data. Read from harness/ledger/ and files of one's own.

A claim file is TOML with ``[[claim]]`` tables. Each key is a field of ``Claim``; the source's own words in
numbers stay in ``range``, and where we had to read a number into words, ``reads_as`` says so in words and
``bounds`` in numbers.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from harness.errors import BadInput, unknown
from harness.record import PHASES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LEDGER = Path(__file__).resolve().parent / "ledger"

Range = tuple[float, float]

#: For each metric, whether lower is better and which value means no change.
METRICS: Mapping[str, tuple[str, float | None]] = {
    "speedup": ("higher", 1.0),
    "memory_saving": ("higher", 0.0),
    "compression": ("higher", 1.0),
    "quality_loss": ("lower", None),
    "bytes_per_batch": ("lower", None),
    "equal": ("lower", None),
    "ratio": ("higher", None),
}
DEVICES = ("cpu", "cuda", "any")

#: What the id of a claim looks like; anything else in ``contradicted_by`` is a source outside the ledger.
ID = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, kw_only=True)
class Claim:
    id: str
    technique: str
    """The benchmark technique that it speaks about."""
    says: str
    source: str
    """``guide:FILE``, a paper, official documentation, or a project's own benchmark."""
    metric: str
    phase: str
    on: str = "any"
    """Where it is made: cpu, cuda or any."""
    range: Range | None = None
    """What the source states, or None where it gives no numbers."""
    bounds: Range | None = None
    """What is judged: our reading where there is one, else the range. Ends may be infinite."""
    reads_as: str = ""
    """Our reading in words, published as ours."""
    variants: tuple[str, ...] = ()
    """The variants it speaks about; empty for all but the baseline."""
    models: tuple[str, ...] = ()
    """The models it speaks about; empty for all."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that a case must have; a case without the parameter counts as having ``none``."""
    figure: str = ""
    """The function of harness.figures that computes it; by default the one named as the metric."""
    better: str = ""
    """``higher`` or ``lower``, by default the metric's; ``within`` where it says what is so, and
    neither more nor less would be better."""
    neutral: float | None = None
    """The value that means no change; by default the metric's."""
    also: Mapping[str, Range] = field(default_factory=dict)
    """Further figures that must lie in their range for the claim to hold."""
    contradicted_by: tuple[str, ...] = ()
    """Claims, or sources outside, that say otherwise."""

    @property
    def stem(self) -> str:
        """The figure that computes it."""
        return self.figure or self.metric


def load(folder: Path = LEDGER, extra: Iterable[Path | str] = ()) -> list[Claim]:
    """Every claim of the ledger and of the files `extra`, in file order. Raises BadInput in one line."""
    found: dict[str, tuple[Claim, Path]] = {}
    own = [Path(path) for path in extra]
    for path in [*sorted(folder.glob("*.toml")), *own]:
        claims = _read(path)
        if path in own and not claims:
            raise BadInput(f"{path} holds no [[claim]]")
        for claim in claims:
            if claim.id in found:
                raise BadInput(
                    f"{path}: claim {claim.id} is already in {found[claim.id][1]}; give it an id of its own"
                )
            found[claim.id] = (claim, path)
    for claim, path in found.values():
        _check_contradictions(claim, path, found)
    return [claim for claim, _ in found.values()]


def tables(path: Path, name: str) -> list[dict[str, Any]]:
    """The ``[[name]]`` tables of a TOML file. Raises BadInput for a file that cannot be read."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get(name, [])
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInput(f"{path}: write each {name} as a table of its own, [[{name}]]")
    return found


def _read(path: Path) -> list[Claim]:
    claims = []
    for number, table in enumerate(tables(path, "claim"), 1):
        try:
            claims.append(_claim(table))
        except BadInput as error:
            raise BadInput(f"{path}: claim {table.get('id', f'number {number}')}: {error}") from None
    return claims


def _claim(table: Mapping[str, Any]) -> Claim:
    _check_keys(table)
    data = dict(table)
    default_better, default_neutral = METRICS[data["metric"]]
    data["better"] = better = data.get("better", default_better)
    data["neutral"] = _number(data["neutral"], "neutral") if "neutral" in data else default_neutral
    for key in ("range", "bounds"):
        data[key] = _range(data[key], key) if key in data else None
    data["bounds"] = data["bounds"] or _judged(data["range"], better)
    data["also"] = {name: _range(value, f"also.{name}") for name, value in data.get("also", {}).items()}
    for key in ("variants", "models", "contradicted_by"):
        data[key] = _names(data.get(key, ()))
    claim = Claim(**data)
    if claim.metric != "ratio" and claim.bounds is None:
        raise BadInput(f"{claim.metric} needs a range, such as range = [1.1, 1.3]")
    if claim.figure and claim.bounds is None:
        raise BadInput(f"figure {claim.figure} needs a range or bounds to be judged against")
    return claim


def _check_keys(table: Mapping[str, Any]) -> None:
    known = [one.name for one in fields(Claim)]
    for key in table:
        if key not in known:
            raise unknown("key", key, known)
    for key in ("id", "technique", "says", "source", "metric", "phase"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise BadInput(f"has no {key}")
    if not ID.fullmatch(table["id"]):
        raise BadInput("an id is words in small letters with dots between, such as amp.memory.mine")
    for key, choices in (
        ("metric", METRICS),
        ("phase", PHASES),
        ("on", DEVICES),
        ("better", ("higher", "lower", "within")),
    ):
        if key in table and table[key] not in choices:
            raise unknown(key, str(table[key]), choices)
    for key in ("where", "also"):
        if not isinstance(table.get(key, {}), dict):
            raise BadInput(f"{key} must be a table, such as {key} = {{ ... }}")
    for key in ("reads_as", "figure"):
        if not isinstance(table.get(key, ""), str):
            raise BadInput(f"{key} must be text")


def _judged(stated: Range | None, better: str) -> Range | None:
    """Of losses, where lower is better, a range from 0 has no lower end: less than no loss is fine."""
    if stated and better == "lower" and stated[0] == 0 and stated[1] > 0:
        return -math.inf, stated[1]
    return stated


def _range(value: Any, key: str) -> Range:
    if not isinstance(value, (list, tuple)) or len(value) not in (1, 2):
        raise BadInput(f"{key} must be two numbers, such as [1.5, 2.0]; inf is an open end")
    low, high = (_number(end, key) for end in (*value, math.inf)[:2])
    if low > high:
        raise BadInput(f"{key} is reversed: {low:g} is above {high:g}; write [{high:g}, {low:g}]")
    if math.isinf(low) and math.isinf(high):
        raise BadInput(f"{key} excludes nothing; give it at least one end")
    return low, high


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise BadInput(f"{key} must be a number and not {value!r}")
    return float(value)


def _names(value: Any) -> tuple[str, ...]:
    """A list, or one string with commas between."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts)


def _check_contradictions(claim: Claim, path: Path, known: Mapping[str, Any]) -> None:
    for other in claim.contradicted_by:
        if ID.fullmatch(other) and other not in known:
            hint = unknown("claim", other, known)
            raise BadInput(f"{path}: claim {claim.id}: contradicted_by: {hint}")
