"""Which rows of a run a claim speaks about, and which of them make one figure together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.claims import Claim
from harness.figures import FIGURES
from harness.measured import Family, Figure, NotMeasured
from harness.rows import CaseSummary


def spoken_of(
    claim: Claim, rows: Sequence[CaseSummary], measurable: Collection[str] | None
) -> Sequence[CaseSummary]:
    """The rows that the claim speaks about, on any device. Raises NotMeasured with what is lacking."""
    if not rows:
        raise NotMeasured(_absent(claim.technique, measurable))
    if claim.stem not in FIGURES or claim.bounds is None:
        raise NotMeasured("the suite has no figure for it yet")
    rows = [row for row in rows if row.case.phase == claim.phase]
    if not rows:
        raise NotMeasured(f"no {claim.phase} case of {claim.technique} in this run")
    rows = [row for row in rows if not claim.models or row.case.model in claim.models]
    if not rows:
        raise NotMeasured(f"claimed for {', '.join(claim.models)}, which is not among the models of this run")
    rows = [row for row in rows if _has(row, claim.where)]
    if not rows:
        asked = ", ".join(f"{key}={value}" for key, value in claim.where.items())
        raise NotMeasured(f"no case with {asked} in this run")
    return _of_kind(rows, FIGURES[claim.stem].kind)


def _of_kind(rows: Sequence[CaseSummary], kind: str) -> Sequence[CaseSummary]:
    """Without the benchmarks that are not about such figures; with every case that failed before."""
    benchmarks = {row.case.benchmark for row in rows if kind in row.kinds}
    found = [row for row in rows if not kind or row.failure or row.case.benchmark in benchmarks]
    if not found:
        raise NotMeasured(f"no {kind} launch of it in this run")
    return found


def _absent(technique: str, measurable: Collection[str] | None) -> str:
    if measurable is None:
        return f"no case of {technique} in this run"
    if technique in measurable:
        return f"not in this run; run {technique} measures it"
    return f"this suite has no benchmark of {technique} yet"


def _has(row: CaseSummary, where: Mapping[str, object]) -> bool:
    return all(str(row.case.parameters.get(key, "none")) == str(value) for key, value in where.items())


def families(claim: Claim, rows: Iterable[CaseSummary]) -> list[Family]:
    """The rows of one figure together, each variant on its own: one family, one verdict.

    Raises NotMeasured if none is of a variant that the claim speaks about.
    """
    figure = FIGURES[claim.stem]
    together: dict[object, dict[str, list[CaseSummary]]] = {}
    for row in rows:
        together.setdefault(_common(row, figure.over), {}).setdefault(row.case.variant, []).append(row)
    found = [
        Family(members, peers)
        for peers in together.values()
        for name, members in peers.items()
        if name in claim.variants or (not claim.variants and not members[0].case.is_baseline)
    ]
    if not found:
        raise NotMeasured(f"no case of {', '.join(claim.variants) or 'a variant'} in this run")
    return [family for family in found if len(family.rows) >= figure.fewest] or found


def _common(row: CaseSummary, over: tuple[str, ...] | None) -> object:
    case = row.case
    if over is None:
        return case.phase, case.device
    kept = tuple((key, str(value)) for key, value in case.parameters.items() if key not in over)
    return case.benchmark, case.model, case.phase, case.device, kept


def workload(family: Family, figure: Figure) -> str:
    """What a verdict is about: ``gpt2-train layers=4 [bf16]``, ``gpt2-train over layers 2, 4, 8 [sqrt]``."""
    case = family.row.case
    if figure.over is None:
        return f"{len(family.rows)} workloads, {case.phase} [{case.variant}]"
    common = [f"{key}={value}" for key, value in case.parameters.items() if key not in figure.over]
    scales = [f"over {key} {_values(family, key)}" for key in case.parameters if key in figure.over]
    return " ".join([case.workload, *common, *scales, f"[{case.variant}]"])


def _values(family: Family, key: str) -> str:
    return ", ".join(dict.fromkeys(str(row.case.parameters.get(key)) for row in family.rows))
