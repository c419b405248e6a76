"""Every claim and target against a run. Torch-free: a published run can be judged again anywhere.

A claim is judged on every workload that it applies to, one verdict each. Where there is nothing to judge, it
is ``not-measured`` with the reason. With ``--strict`` a run fails for a missed target, a wrong result, and a
contradicted claim: one that came out ``short`` or ``reversed`` on any workload. ``exceeded`` is no failure,
for nobody who trusted the claim is worse off; neither is ``inconclusive``, which is about us.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from harness import matching, units
from harness import targets as target_judge
from harness.claims import METRICS, Claim
from harness.errors import unknown
from harness.figures import FIGURES
from harness.judgement import ClaimVerdict, Judgement
from harness.measured import Family, Found, NotMeasured
from harness.record import WRONG_RESULT
from harness.rows import CaseSummary
from harness.summary import Run, summarise
from harness.targets import Target
from harness.verdict import (
    CONFIRMED,
    CONTRADICTED,
    EXCEEDED,
    INCONCLUSIVE,
    NOT_MEASURED,
    REVERSED,
    SHORT,
    distance,
    more_launches,
    verdict,
)

SAYS = {
    CONFIRMED: "lies within",
    EXCEEDED: "is better than",
    SHORT: "falls short of",
    REVERSED: "lies on the other side of no change from",
    INCONCLUSIVE: "crosses a bound of",
}


def judge(
    run: Run, claims: Iterable[Claim], targets: Iterable[Target], measurable: Collection[str] | None = None
) -> Judgement:
    """The verdicts on `run`. `measurable` names the techniques that have a benchmark, if that is known.

    Raises BadInput for a claim that names an unknown figure.
    """
    rows = summarise(run)
    of_technique: dict[str, list[CaseSummary]] = defaultdict(list)
    for row in rows:
        of_technique[row.case.technique or row.case.benchmark].append(row)
    verdicts = []
    for claim in claims:
        _check(claim)
        verdicts += _judge_claim(claim, of_technique.get(claim.technique, []), measurable)
    return Judgement(rows=rows, claims=verdicts, targets=target_judge.judge(rows, targets))


def strict_failures(judgement: Judgement) -> list[str]:
    """What ``--strict`` fails for, one line each."""
    wrong = [f"{row.case.id}: {row.failure}" for row in judgement.rows if row.outcome == WRONG_RESULT]
    claims = [
        f"{one.claim.id} on {one.workload}: {one.verdict}: {one.reason}"
        for one in judgement.claims
        if one.verdict in CONTRADICTED
    ]
    missed = [
        f"{one.target.id} on {one.row.case.id}: missed: {one.reason}"
        for one in judgement.targets
        if one.verdict == SHORT
    ]
    return [*wrong, *claims, *missed]


def _check(claim: Claim) -> None:
    for name in (claim.figure, *claim.also):
        if name and name not in FIGURES:
            raise unknown(f"figure of claim {claim.id}", name, FIGURES)


def _judge_claim(
    claim: Claim, rows: Sequence[CaseSummary], measurable: Collection[str] | None
) -> list[ClaimVerdict]:
    try:
        spoken_of = matching.spoken_of(claim, rows, measurable)
        here = [row for row in spoken_of if claim.on in ("any", row.case.device)]
        if not here:
            raise NotMeasured(_elsewhere(claim, spoken_of))
        families = matching.families(claim, here)
    except NotMeasured as reason:
        where = f"{claim.phase} on {claim.on}" if claim.on != "any" else claim.phase
        return [ClaimVerdict(claim=claim, workload=where, verdict=NOT_MEASURED, reason=str(reason))]
    return [_judge_family(claim, family) for family in families]


def _elsewhere(claim: Claim, rows: Sequence[CaseSummary]) -> str:
    """Why a claim about another device is not judged, and what this one measured instead."""
    said = f"claimed for {claim.on}, and this run is on {rows[0].case.device}"
    families: list[Family] = []
    found = []
    with contextlib.suppress(NotMeasured):
        families = matching.families(claim, rows)
    for family in families:
        with contextlib.suppress(NotMeasured):
            found.append(_measured(claim.stem, family))
    if not found:
        return said
    points = [one.value.point for one in found]
    span = dict.fromkeys(found[0].show(end) for end in (min(points), max(points)))
    what = claim.stem.replace("_", " ")
    return f"{said}, where {what} is {' to '.join(span)} in {len(found)} of {len(families)} cases"


def _measured(name: str, family: Family) -> Found:
    """The figure of that name. Raises NotMeasured, also for a result that is wrong."""
    if name != "equal" and len(family.rows) == 1 and family.row.outcome == WRONG_RESULT:
        raise NotMeasured(family.row.failure)
    return FIGURES[name].of(family)


def _judge_family(claim: Claim, family: Family) -> ClaimVerdict:
    assert claim.bounds, "matching.spoken_of has seen to it"
    about = matching.workload(family, FIGURES[claim.stem])
    cases = tuple(row.case.id for row in family.rows)
    try:
        found = _measured(claim.stem, family)
    except NotMeasured as reason:
        return ClaimVerdict(
            claim=claim, workload=about, verdict=NOT_MEASURED, reason=str(reason), cases=cases
        )
    outcome = verdict(found.value, claim.bounds, claim.better, claim.neutral)
    why = _reason(claim, found, outcome)
    if outcome in (CONFIRMED, EXCEEDED):
        outcome, why = _also(claim, family, outcome, why)
    return ClaimVerdict(claim=claim, workload=about, verdict=outcome, reason=why, found=found, cases=cases)


def _also(claim: Claim, family: Family, outcome: str, reason: str) -> tuple[str, str]:
    """The claim's further conditions: the first that does not hold is the verdict."""
    for name, bounds in claim.also.items():
        says = name.replace("_", " ")
        try:
            found = _measured(name, family)
        except NotMeasured as lacking:
            return NOT_MEASURED, f"{reason}; but its {says} was not measured: {lacking}"
        better, neutral = METRICS.get(name, METRICS["ratio"])
        further = verdict(found.value, bounds, better, neutral)
        told = units.between(found.value, found.show)
        reason = f"{reason}; {says} {told} {SAYS[further]} the claimed {units.reach(*bounds, found.show)}"
        if further not in (CONFIRMED, EXCEEDED):
            return further, reason
    return outcome, reason


def _reason(claim: Claim, found: Found, outcome: str) -> str:
    assert claim.bounds
    whose = "our reading of the claim," if claim.reads_as else "the claimed"
    claimed = units.reach(*claim.bounds, found.show)
    says = "lies outside" if outcome == SHORT and claim.better == "within" else SAYS[outcome]
    told = f"{units.between(found.value, found.show)} {says} {whose} {claimed}"
    more = [_to_tell(claim, found)] if outcome == INCONCLUSIVE else []
    return "; ".join([told, *more, *([found.note] if found.note else [])])


def _to_tell(claim: Claim, found: Found) -> str:
    """What it would take to be conclusive."""
    assert claim.bounds
    if not found.effects:
        return "more launches would not narrow it"
    return more_launches(found.effects, distance(found.value, claim.bounds, found.logs))
