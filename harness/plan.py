"""From names and a profile to the groups of cases in the order they are measured. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness import benchmark, needs
from harness.benchmark import Benchmark
from harness.errors import BadInput, Unsupported
from harness.record import Case
from harness.runner import Plan


def make(names: Iterable[str], profile: str, device: str, folder: Path) -> Plan:
    """The plan for the benchmarks that `names` ask for. Raises BadInput for a name nobody declared."""
    wanted = benchmark.chosen(names, benchmark.discover(folder))
    # The control is quick, and its row says how much to believe the others'. What compiles takes longest.
    wanted.sort(key=lambda one: one.applied.stage != "control")
    wanted.sort(key=lambda one: any(variant.compiles for variant in one.applied.variants.values()))
    groups = [group for one in wanted for group in able(one, one.groups(profile, device))]
    if not groups:
        raise BadInput(f"the {profile} profile of {', '.join(one.name for one in wanted)} holds no case")
    return of(groups, {one.name: one for one in wanted})


def able(one: Benchmark, groups: list[list[Case]]) -> list[list[Case]]:
    """`groups`, whose models can be made so. Raises BadInput for a parameter or size that a model has not.

    A ``make`` of the user's own is not called here: it may import torch, which the runner does without.
    """
    for group in groups if one.make is None else ():
        try:
            one.workload(group[0])
        except Unsupported:
            continue  # It may run elsewhere, and is an outcome here.
        except (BadInput, TypeError, ValueError) as error:
            raise BadInput(f"{group[0].group}: {error}") from error
    return groups


def again(groups: list[list[Case]], folder: Path) -> Plan:
    """The plan of a stored run, to go on with."""
    declared = benchmark.discover(folder)
    names = dict.fromkeys(case.benchmark for group in groups for case in group)
    return of(groups, {name: benchmark.find(name, declared) for name in names})


def of(groups: list[list[Case]], wanted: Mapping[str, Benchmark]) -> Plan:
    def unsupported(case: Case) -> str | None:
        return needs.missing(wanted[case.benchmark].applied.variants[case.variant].needs, case.device)

    def fresh(case: Case) -> bool:
        # The variants of a group are started alike, or the way of starting would be compared as well.
        applied = wanted[case.benchmark].applied
        return case.device == "cuda" or any(variant.fresh for variant in applied.variants.values())

    def compiles(case: Case) -> bool:
        return wanted[case.benchmark].applied.variants[case.variant].compiles and unsupported(case) is None

    return Plan(groups, lambda case: wanted[case.benchmark].kinds(), unsupported, fresh, compiles)
