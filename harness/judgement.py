"""What judging a run gives, and how it is written as JSON. Types only."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.claims import Claim
from harness.measured import Found
from harness.record import Json
from harness.rows import CaseSummary
from harness.stats import Interval
from harness.targets import TargetVerdict
from harness.verdict import CONFIRMED, EXCEEDED, NOT_MEASURED

NOTHING = Interval(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, kw_only=True)
class ClaimVerdict:
    claim: Claim
    workload: str
    verdict: str
    reason: str
    found: Found | None = None
    cases: tuple[str, ...] = ()
    """The ids of the cases that it rests on."""

    @property
    def held(self) -> bool:
        """Confirmed, or a gain above the claimed. A cost below the claimed is good, but not what was said."""
        gain = (
            self.claim.neutral is not None
            and self.claim.bounds
            and self.claim.bounds[0] >= self.claim.neutral
        )
        return self.verdict == CONFIRMED or (self.verdict == EXCEEDED and bool(gain))

    def as_json(self) -> Json:
        claim, value = self.claim, self.found.value if self.found else NOTHING
        return {
            "id": claim.id,
            "workload": self.workload,
            "verdict": self.verdict,
            "value": _finite(value.point),
            "low": _finite(value.low),
            "high": _finite(value.high),
            "n": value.n,
            "reason": self.reason,
            "technique": claim.technique,
            "says": claim.says,
            "metric": claim.metric,
            "figure": claim.stem,
            "range": [_finite(end) for end in claim.range or (None, None)],
            "bounds": [_finite(end) for end in claim.bounds or (None, None)],
            "reads_as": claim.reads_as,
            "on": claim.on,
            "source": claim.source,
            "contradicted_by": list(claim.contradicted_by),
            "cases": list(self.cases),
        }


def _finite(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    rows: list[CaseSummary]
    claims: list[ClaimVerdict]
    targets: list[TargetVerdict]

    def as_json(self) -> Json:
        return {
            "claims": [one.as_json() for one in self.claims],
            "targets": [_target_json(one) for one in self.targets],
        }

    def summaries(self) -> dict[str, str]:
        """For each claim in how many workloads it held, and the span: ``3 of 5, 1.1x to 2.3x``."""
        by_claim: dict[str, list[ClaimVerdict]] = defaultdict(list)
        for one in self.claims:
            by_claim[one.claim.id].append(one)
        return {name: _summary(verdicts) for name, verdicts in by_claim.items()}


def _target_json(one: TargetVerdict) -> Json:
    value = one.found or NOTHING
    return {
        "id": one.target.id,
        "case": one.row.case.id,
        "verdict": one.verdict,
        "value": _finite(value.point),
        "low": _finite(value.low),
        "high": _finite(value.high),
        "limit": one.target.limit,
        "reason": one.reason,
        "n": value.n,
        "says": one.target.says,
        "metric": one.target.metric,
        "source": one.target.source,
    }


def _summary(verdicts: Sequence[ClaimVerdict]) -> str:
    found = [one.found for one in verdicts if one.found]
    if not found:
        return NOT_MEASURED
    points = [one.value.point for one in found]
    low, high = found[0].show(min(points)), found[0].show(max(points))
    held = sum(one.held for one in verdicts)
    return f"{held} of {len(found)}, {low}" + (f" to {high}" if high != low else "")
