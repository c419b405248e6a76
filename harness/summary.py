"""From a run's launches to one row for each case. Figures are derived from the samples, never stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Protocol

from harness import derive, lines, store
from harness.errors import BadInput
from harness.lines import Launches, Numbered
from harness.record import KINDS, OK, WRONG_RESULT, Case, Json
from harness.rows import NOT_RUN, CaseSummary, Ceiling, Equality, Kinds, Taken

Ceilings = Mapping[str, float]
#: With fewer launches a second process is not worth its start.
LARGE = 5_000


class Run(Protocol):
    """What is needed of a stored run."""

    @property
    def info(self) -> Json: ...

    @property
    def launches(self) -> Launches | Sequence[Json]: ...


def summarise(run: Run, groups: Collection[str] | None = None) -> list[CaseSummary]:
    """One row for each case of the plan, in its order; of `groups` only, if given.

    Raises BadInput for a record of a case that the plan does not have.
    """
    plan = store.planned(run.info)
    found = lines.by_group(run.launches)
    if groups is None:
        for name in found.keys() - {group[0].group for group in plan}:
            _gather(found[name], ())
    chosen = [group for group in plan if groups is None or group[0].group in groups]
    parts = [
        partial(_group, group, found.get(group[0].group, ()), run.info.get("ceilings", {}))
        for group in chosen
    ]
    if len(run.launches) < LARGE:
        return [row for part in parts for row in part()]
    from harness import halves

    return list(chain.from_iterable(halves.each(parts)))


def _gather(launches: Iterable[Numbered], cases: Sequence[Case]) -> dict[str, dict[str, list[Taken]]]:
    found: dict[str, dict[str, list[Taken]]] = {case.id: {} for case in cases}
    for _, launch in launches:
        for one in launch["records"]:
            if one["case"] not in found:
                raise BadInput(f"records.jsonl holds {one['case']}, which is not in the plan of its run.json")
            taken = Taken(launch["launch"], bool(launch.get("noisy")), one)
            found[one["case"]].setdefault(launch["kind"], []).append(taken)
    return found


def _group(cases: Sequence[Case], launches: Iterable[Numbered], ceilings: Ceilings) -> list[CaseSummary]:
    """The rows of cases that were measured together, each compared with the baseline among them."""
    taken = _gather(launches, cases)
    rows: dict[str, CaseSummary] = {}
    first = next((case for case in cases if case.is_baseline), None)
    work = taken[first.id] if first else {}
    if first:
        rows[first.id] = _row(first, taken[first.id], None, {}, derive.ceiling(first, work, ceilings))
    base = rows[first.id] if first else None
    for case in cases:
        if case is not first:
            rows[case.id] = _row(
                case, taken[case.id], base, work, derive.ceiling(case, _work(taken[case.id], work), ceilings)
            )
    return [rows[case.id] for case in cases]


def _work(kinds: Kinds, base: Kinds) -> Kinds:
    """Whose work bounds a step: its baseline's, but for a variant that does another by design."""
    return kinds if derive.stated(kinds, "flops") is not None else base


def _row(
    case: Case, kinds: Kinds, base: CaseSummary | None, base_kinds: Kinds, ceiling: Ceiling | None
) -> CaseSummary:
    equality = derive.equality(kinds.get("time", ()))
    outcome, message = _outcome(kinds, equality)
    comparable = base_kinds.get("time", ()) if outcome != WRONG_RESULT else ()
    return CaseSummary(
        case=case,
        outcome=outcome,
        message=message,
        kinds=frozenset(kinds),
        timing=derive.timing(case, kinds, comparable, base.timing if base else None, ceiling),
        memory=derive.memory(kinds.get("memory", ()), base.memory if base else None),
        quality=derive.quality(kinds.get("quality", ()), base_kinds.get("quality", ())),
        equality=equality,
        parameters=derive.stated(kinds, "parameters"),
        flops=derive.stated(kinds if base is None else base_kinds, "flops"),
        compression=derive.compression(kinds, base_kinds),
        figures=derive.figures(kinds),
        baseline=base,
    )


def _outcome(kinds: Kinds, equality: Equality | None) -> tuple[str, str]:
    """The one outcome of all launches. A kind that gave nothing decides; one lost among others is said."""
    if not any(kinds.values()):
        return NOT_RUN, "no launch of it in this run; run --resume measures it"
    every = [taken.record for kind in KINDS for taken in kinds.get(kind, ())]
    wrong = next((one for one in every if one["outcome"] == WRONG_RESULT), None)
    if wrong or (equality and not equality.ok):
        return WRONG_RESULT, (wrong or {}).get("message") or (equality.message if equality else "")
    lost = [one for one in every if one["outcome"] != OK]
    for kind in KINDS:
        of_kind = [taken.record for taken in kinds.get(kind, ())]
        if of_kind and all(one["outcome"] != OK for one in of_kind):
            return of_kind[0]["outcome"], of_kind[0].get("message", "")
    if lost:
        return OK, f"{len(lost)} of {len(every)} launches failed ({lost[0]['outcome']})"
    return OK, ""
