"""What a profile plans for the claims: whatever a smaller profile judges, a larger one judges too."""

from __future__ import annotations

import contextlib
import itertools
from functools import cache

import pytest

from harness import claims, matching
from harness.benchmark import PROFILES, discover
from harness.claims import Claim
from harness.figures import FIGURES
from harness.measured import NotMeasured
from harness.record import OK
from harness.rows import CaseSummary

LEDGER = claims.load()


@cache
def planned(profile: str, device: str) -> list[CaseSummary]:
    """A row for each case of the plan, as if every launch had gone well."""
    return [
        CaseSummary(case=case, outcome=OK, kinds=frozenset(one.kinds()))
        for one in discover().values()
        for group in one.groups(profile, device)
        for case in group
    ]


@cache
def judged(profile: str, device: str) -> set[tuple[str, str]]:
    """The claims that have cases, each with the variants that it is judged of."""
    return {
        (claim.id, variant)
        for claim in LEDGER
        if claim.on in ("any", device)
        for variant in variants(claim, planned(profile, device))
    }


def variants(claim: Claim, rows: list[CaseSummary]) -> set[str]:
    """Of the families with rows enough for the claim's figure."""
    own = [row for row in rows if row.case.technique == claim.technique]
    with contextlib.suppress(NotMeasured):
        families = matching.families(claim, matching.spoken_of(claim, own, None))
        enough = [one for one in families if len(one.rows) >= FIGURES[claim.stem].fewest]
        return {one.row.case.variant for one in enough}
    return set()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize(("small", "large"), [*itertools.pairwise(PROFILES)])
def test_a_larger_profile_judges_what_a_smaller_one_does(small: str, large: str, device: str) -> None:
    assert judged(small, device)
    assert judged(small, device) - judged(large, device) == set()
