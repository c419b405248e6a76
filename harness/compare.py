"""Two versions of the same cases: what got slower, larger or different. Torch-free.

Measured live, the two took turns within each launch, so a launch gives one log ratio and the test is
Student's t over launches, one sample, moderated by what launches of the other cases vary by. Over the suite
the false discovery rate is held at 5 %; see `significance` for both. What then looks like a change is an
alarm, not a result: it is measured again in new processes, and only where the mean of these launches alone
shows the same (one-sided, 5 % over all looks of `significance.CONFIRMS`) it is said. So a case that has not
changed is called slower or faster in under 0.5 % of comparisons, in simulation (tests/test_coverage.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from harness import significance, stats
from harness.changes import WORDS, Change, Compared, Comparison, View, memory, within
from harness.record import WRONG_RESULT, Case, Json
from harness.rows import NOT_RUN, CaseSummary
from harness.significance import ALPHA, p_value
from harness.summary import summarise

#: The names under which the two are stored; B is the one that may be worse.
A, B = "A", "B"
#: A change of time whose whole interval is within this is none.
SAME = 0.02
#: First steps that take less than this longer than a later one, s, compile nothing.
COMPILES = 0.5


@dataclass(frozen=True)
class Effects:
    """The log ratios B / A of one case and metric: those of the first look, and of the second."""

    first: Sequence[float] = ()
    again: Sequence[float] = ()

    @property
    def all(self) -> list[float]:
        return [*self.first, *self.again]


def lanes(case: Case) -> list[Case]:
    """The two cases as which `case` is measured and stored: A, and B against it."""
    parameters = {"variant": case.variant, **case.parameters}
    return [
        Case(case.benchmark, name, A, case.model, case.phase, case.device, parameters, "comparison")
        for name in (A, B)
    ]


def live(run: View, a: str, b: str, notes: Iterable[str] = ()) -> Comparison:
    """The verdicts on a comparison that was measured in turn. Raises BadInput for foreign records."""
    rows = {row.case.id: row for row in summarise(run)}
    pairs = [(rows[f"{row.case.group}#{A}"], row) for row in rows.values() if row.case.variant == B]
    times, compiles = (judged(found, metric) for metric, found in _measured(run).items())
    cases = []
    for base, row in pairs:
        name = row.case.group
        changes = {
            "time": times.get(name),
            "memory": memory(base, row),
            "compile": compiles.get(name),
            "results": _results(base, row),
        }
        cases.append(Compared(_shown(row.case), {k: v for k, v in changes.items() if v}))
    return Comparison(a, b, True, cases, list(notes))


def _shown(case: Case) -> str:
    rest = {key: value for key, value in case.parameters.items() if key != "variant"}
    shown = ",".join(f"{key}={value}" for key, value in rest.items())
    parts = (case.benchmark, case.workload, shown)
    return f"{'/'.join(part for part in parts if part)}@{case.device}#{case.parameters['variant']}"


def effects(run: View) -> dict[str, Effects]:
    """By group, from the launches of kind time. A difference of results does not hide one of speed."""
    parts = []
    for again in (False, True):
        chosen = [_plain(one) for one in run.launches if bool(one.get("confirms")) == again]
        chosen = _quiet(chosen) if again else chosen
        rows = summarise(View(run.info, chosen)) if chosen else []
        parts.append({r.case.group: r.timing.effects for r in rows if r.case.variant == B and r.timing})
    groups = dict.fromkeys([*parts[0], *parts[1]])
    found = {name: Effects(parts[0].get(name, ()), parts[1].get(name, ())) for name in groups}
    return {name: one for name, one in found.items() if one.all}


def _quiet(launches: Sequence[Json]) -> list[Json]:
    """Without the noisy ones of a group whose others are enough to confirm. A first look is as in any run."""
    quiet = Counter(one["group"] for one in launches if not one.get("noisy"))
    enough = {group for group, count in quiet.items() if count >= significance.CONFIRMS[0][0]}
    return [one for one in launches if not (one.get("noisy") and one["group"] in enough)]


def _plain(launch: Json) -> Json:
    records = [{key: value for key, value in one.items() if key != "equality"} for one in launch["records"]]
    return {**launch, "records": records}


def _over_groups(launches: Iterable[Json], effect: Callable[[Json], float | None]) -> dict[str, Effects]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    for launch in launches:
        value = effect(launch) if launch["kind"] == "time" else None
        if value is not None:
            found.setdefault(launch["group"], ([], []))[bool(launch.get("confirms"))].append(value)
    return {name: Effects(*pair) for name, pair in found.items()}


def _compile_effect(launch: Json) -> float | None:
    """Of what the first step took longer than a later one, with the compiler's cache as it was."""
    took = {one["variant"]: _start(one) for one in launch["records"]}
    a, b = took.get(A, 0.0), took.get(B, 0.0)
    return math.log(b / a) if min(a, b) > 0 and max(a, b) > COMPILES else None


def _start(record: Json) -> float:
    blocks = [median(block) for block in record.get("blocks") or () if block]
    return record["first_step"] - median(blocks) if blocks and "first_step" in record else 0.0


def part(run: View, groups: Sequence[Sequence[Case]]) -> View:
    """The run as if it were of these groups alone."""
    names = {group[0].group for group in groups}
    plan = {"groups": [[case.as_json() for case in group] for group in groups]}
    return View({**run.info, "plan": plan}, [one for one in run.launches if one["group"] in names])


def suspects(run: View) -> dict[str, dict[str, bool]]:
    """Groups of which something looks changed, so that they are measured again: what, and whether upwards."""
    looks: dict[str, dict[str, bool]] = {}
    for metric, found in _measured(run).items():
        for name in alarms(found):
            looks.setdefault(name, {})[metric] = fmean(found[name].first) > 0
    return looks


def shown_again(run: View, group: str, looks: Mapping[str, bool]) -> bool:
    """Whether the launches of the second look show all that looks changed; `run` is of this group."""
    found = _measured(run)
    return all(
        significance.confirmed(found[metric][group].first, found[metric][group].again, up=up)
        for metric, up in looks.items()
    )


def _measured(run: View) -> dict[str, dict[str, Effects]]:
    return {"time": effects(run), "compile": _over_groups(run.launches, _compile_effect)}


def alarms(found: Mapping[str, Effects]) -> dict[str, float]:
    """Groups whose first look shows a change, by their adjusted p."""
    return {
        name: p
        for name, p in _adjusted(found).items()
        if p < ALPHA and not within(stats.ratio(found[name].first), SAME)
    }


def _adjusted(found: Mapping[str, Effects]) -> dict[str, float]:
    """p of no change in the first look of each that has one, adjusted for their number."""
    firsts = {name: one.first for name, one in found.items() if len(one.first) > 1}
    others = significance.spread(firsts.values())
    return significance.discoveries({name: p_value(one, others=others) for name, one in firsts.items()})


def judged(found: Mapping[str, Effects], metric: str) -> dict[str, Change]:
    adjusted = _adjusted(found)
    return {name: _change(one, adjusted.get(name, 1.0), metric) for name, one in found.items()}


def _change(one: Effects, p: float, metric: str) -> Change:
    ratio = stats.ratio(one.all)
    up = fmean(one.first or one.again) > 0
    word = WORDS[metric][0 if up else 1]
    if within(ratio, SAME):
        return Change("same", f"within {SAME:.0%}", ratio, p)
    if p >= ALPHA:
        return Change("unclear", _more(one.all, metric), ratio, p)
    if len(one.again) < significance.CONFIRMS[0][0]:
        return Change("unclear", f"looks {word}, not yet measured again", ratio, p)
    if not significance.confirmed(one.first, one.again, up=up):
        return Change("unclear", f"looked {word}; measured again it did not", ratio, p)
    return Change(word, f"in {len(one.first)} launches, and in {len(one.again)} more", ratio, p)


def _more(values: Sequence[float], metric: str) -> str:
    """What would tell it from no change, or from any of SAME, if its mean stays where it is."""
    middle = abs(fmean(values))
    needed = stats.launches_needed(values, max(math.log1p(SAME) - middle, middle))
    more = f"about {max(needed - len(values), 1)} more launches" if needed else "a quieter machine"
    ended = metric == "time" and needed and stats.ratio(values).half_width <= SAME
    asked = ", with --precision 1%" if ended else ""
    return f"not told from no change; {more} would tell{asked}"


def _results(a: CaseSummary, b: CaseSummary) -> Change | None:
    """Whether both run and compute the same."""
    if {a.outcome, b.outcome} == {NOT_RUN}:
        return Change("unclear", "measured on neither side; a larger --budget reaches it")
    broken = [bool(one.failure) and one.outcome != WRONG_RESULT for one in (a, b)]
    if all(broken):
        return Change("unclear", f"fails on both: {b.failure}")
    if broken[1]:
        return Change("fails", b.failure)
    if broken[0]:
        return Change("works", f"failed before: {a.failure}")
    if b.equality is None:
        return None
    value = b.equality.value.high
    if not b.equality.ok:
        return Change("different", b.equality.message)
    said = f"{b.equality.metric} {value:.2g}, tolerance {b.equality.tolerance:.2g}"
    return Change("equal", said) if value else Change("identical")
