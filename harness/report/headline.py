"""What somebody with five minutes wants of a run: what to turn on, what it costs, what held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from harness import units
from harness.claims import Claim
from harness.figures import FIGURES
from harness.judgement import Judgement
from harness.record import OK
from harness.report import cells
from harness.rows import CaseSummary
from harness.verdict import CONFIRMED, INCONCLUSIVE, NOT_MEASURED

#: How a figure is written before anything was measured.
SHOWN = {
    "speedup": units.times,
    "compression": units.times,
    "geometric_mean": units.times,
    "growth_over_tokens": units.times,
    "memory_at_2k_and_4k": units.times,
    "over_dynamic": units.times,
    "speedup_over_updates": units.times,
    "bytes_left_behind": units.size,
    "elements_per_1000_images": units.count,
    "flops_per_second": units.flops,
    "elements_saving": units.percent,
    "memory_saving": units.percent,
    "of_limit": units.percent,
    "bytes_per_batch": units.percent,
    "slope_without_cleaning": units.percent,
    "steady_slope": units.percent,
    "equal": "{:.2g}".format,
    "quality_loss": units.percent,
}
#: Savings of memory below this are not worth a line.
WORTH = 0.05


class Gain(NamedTuple):
    what: str
    gain: str
    where: str
    cost: str


def gains(judgement: Judgement) -> list[Gain]:
    """The best of each technique that is measurably faster, or else smaller, than its baseline.

    Smaller counts where it saves a larger share of the memory than it takes of the speed; of one that was
    never timed, wherever it saves.
    Those with the baseline's results come first: what gives others by design is a trade, not a gift.
    """
    faster: dict[str, CaseSummary] = {}
    smaller: dict[str, CaseSummary] = {}
    timed = {cells.technique(row) for row in judgement.rows if row.speedup}
    for row in judgement.rows:
        name = cells.technique(row)
        if row.case.is_baseline or row.outcome != OK or name == "control":
            continue
        if row.speedup and row.speedup.low > 1 and row.speedup.point > _speed(faster.get(name)):
            faster[name] = row
        if _saves(row, timed=name in timed) and _saved(row) > _saved(smaller.get(name)):
            smaller[name] = row
    quick = sorted(faster.items(), key=lambda item: -_speed(item[1]))
    lean = sorted(
        (item for item in smaller.items() if item[0] not in faster), key=lambda item: -_saved(item[1])
    )
    found = [(row, _faster(name, row)) for name, row in quick]
    found += [(row, _smaller(name, row)) for name, row in lean]
    return [gain for _, gain in sorted(found, key=lambda pair: _other_result(pair[0]))]


def _saves(row: CaseSummary, timed: bool) -> bool:
    if row.saving is None or row.saving.low <= WORTH:
        return False
    return not timed or _speed(row) > 1 - row.saving.point


def _other_result(row: CaseSummary) -> bool:
    return row.timing is not None and row.equality is None


def _speed(row: CaseSummary | None) -> float:
    return row.speedup.point if row and row.speedup else 0.0


def _saved(row: CaseSummary | None) -> float:
    return row.saving.point if row and row.saving else 0.0


def _faster(name: str, row: CaseSummary) -> Gain:
    cost = [f"memory {cells.memory(row)}"] if row.memory else ["its memory was not measured"]
    return Gain(_spelled(name, row), f"{cells.speedup(row)} as fast", cells.workload(row), _cost(cost, row))


def _smaller(name: str, row: CaseSummary) -> Gain:
    assert row.saving
    cost = [f"speed {cells.speedup(row)}"] if row.speedup else ["its time was not measured there"]
    gain = f"{units.percent(row.saving.point)} less memory"
    return Gain(_spelled(name, row), gain, cells.workload(row), _cost(cost, row))


def _spelled(name: str, row: CaseSummary) -> str:
    return row.case.variant if "+" in row.case.variant else f"{name}:{row.case.variant}"


def _cost(parts: list[str], row: CaseSummary) -> str:
    other = "another result by design" if _other_result(row) else ""
    return "; ".join(filter(None, [other, *parts, cells.cost(row)]))


def claims(judgement: Judgement) -> str:
    measured = [one for one in judgement.claims if one.verdict != NOT_MEASURED]
    count = Counter(one.verdict for one in measured)
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.most_common())
    held = sum(one.held for one in measured)
    return (
        f"Claims: {held} of {len(measured)} verdicts held ({told})."
        if told
        else "Claims: none could be judged."
    )


def held(judgement: Judgement) -> str:
    """``claims held 45 of 86, targets met 2 of 4``: met by every case that they could be judged on."""
    measured = [one.held for one in judgement.claims if one.verdict != NOT_MEASURED]
    missed: dict[str, bool] = {}
    for one in judgement.targets:
        if one.verdict != NOT_MEASURED:
            missed[one.target.id] = missed.get(one.target.id, False) or one.verdict != CONFIRMED
    met = list(missed.values()).count(False)
    told = [f"claims held {sum(measured)} of {len(measured)}"] if measured else []
    return ", ".join([*told, f"targets met {met} of {len(missed)}"] if missed else told)


def nothing(judgement: Judgement) -> str:
    """What stands in place of gains where there are none."""
    variants = [row for row in judgement.rows if not row.case.is_baseline]
    if any(row.outcome == OK for row in variants):
        return "Nothing here is measurably better than the baseline."
    outcomes = Counter(row.outcome.partition(":")[0] for row in variants)
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    return f"Nothing could be measured here ({told})." if told else "Nothing is in this run."


def targets(judgement: Judgement) -> str:
    return f"Targets: {'; '.join(target_lines(judgement))}."


def target_lines(judgement: Judgement) -> list[str]:
    """Each target with the number of cases that meet it."""
    by_target: dict[str, Counter[str]] = {}
    for one in judgement.targets:
        if one.verdict != NOT_MEASURED:
            by_target.setdefault(one.target.says, Counter())[one.verdict] += 1
    told = [f"{says}: {_met(count)}" for says, count in by_target.items()]
    return told or ["none could be judged"]


def _met(count: Counter[str]) -> str:
    """``met by 52 of 72 cases, missed by 3, 17 cannot tell``."""
    missed = count.total() - count[CONFIRMED] - count[INCONCLUSIVE]
    told = [f"met by {count[CONFIRMED]} of {count.total()} cases"]
    told += [f"missed by {missed}"] if missed else []
    told += [f"{count[INCONCLUSIVE]} cannot tell"] if count[INCONCLUSIVE] else []
    return ", ".join(told)


def claimed(claim: Claim, show: units.Show | None = None) -> str:
    """What is judged, in words; as `show` has it, where something was measured."""
    if claim.bounds is None or claim.stem not in FIGURES:
        return claim.reads_as or "no number"
    return units.reach(*claim.bounds, show or SHOWN.get(claim.stem, units.plain))


def clusters(found: Sequence[Claim]) -> list[list[Claim]]:
    """The claims in order, those that contradict each other together."""
    cluster = {claim.id: [claim] for claim in found}
    for claim in found:
        for other in claim.contradicted_by:
            ours, theirs = cluster[claim.id], cluster.get(other)
            if theirs is not None and theirs is not ours:
                ours += theirs
                cluster |= {one.id: ours for one in theirs}
    return list({id(group): group for group in cluster.values()}.values())
