"""Runs made by hand, with arithmetic that can be done in the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import claims
from harness.claims import Claim
from harness.judge import judge
from harness.judgement import ClaimVerdict
from harness.record import OK, Case, Json


@dataclass
class HandRun:
    info: Json
    launches: list[Json] = field(default_factory=list)


def group(
    *variants: str,
    benchmark: str = "mixed-precision",
    model: str = "gpt2",
    phase: str = "train",
    device: str = "cpu",
    technique: str = "",
    **parameters: Any,
) -> list[Case]:
    """Cases measured together; the first is the baseline."""
    return [
        Case(
            benchmark=benchmark,
            variant=variant,
            baseline=variants[0],
            model=model,
            phase=phase,
            device=device,
            parameters=parameters,
            technique=technique,
        )
        for variant in variants
    ]


def run(*groups: list[Case], launches: Sequence[Json] = (), **info: Any) -> HandRun:
    plan = {"groups": [[case.as_json() for case in cases] for cases in groups]}
    return HandRun({"plan": plan, "profile": "quick", "device": "cpu", **info}, list(launches))


def record(case: Case, outcome: str = OK, message: str = "", **rest: Any) -> Json:
    return {"case": case.id, "variant": case.variant, "outcome": outcome, "message": message, **rest}


def launch(cases: Sequence[Case], kind: str, number: int, records: Sequence[Json], noisy: str = "") -> Json:
    return {
        "schema": 1,
        "kind": kind,
        "group": cases[0].group,
        "baseline": cases[0].baseline,
        "launch": number,
        "conditions": {},
        "noisy": noisy,
        "records": list(records),
    }


def timed(
    cases: Sequence[Case], seconds: Sequence[Mapping[str, float]], noisy: Sequence[int] = (), **rest: Any
) -> list[Json]:
    """One timing launch for each of `seconds`, the steady time of each variant: two rounds of one step."""
    return [
        launch(
            cases,
            "time",
            number,
            [
                record(case, blocks=[[times[case.variant]]] * 4, visits=[0, 1, 2, 3], first_step=1.0, **rest)
                for case in cases
                if case.variant in times
            ],
            noisy="a neighbour woke up" if number in noisy else "",
        )
        for number, times in enumerate(seconds)
    ]


def weighed(cases: Sequence[Case], found: Mapping[str, Json], **rest: Any) -> list[Json]:
    """One memory launch; `found` is the memory dict of each variant."""
    records = [record(case, memory=found[case.variant], **rest) for case in cases if case.variant in found]
    return [launch(cases, "memory", 0, records)]


def graded(cases: Sequence[Case], values: Mapping[str, Sequence[float | None]]) -> list[Json]:
    """A quality launch for each seed; None is a run that met NaN."""
    seeds = range(len(next(iter(values.values()))))
    return [
        launch(cases, "quality", seed, [_grade(case, values[case.variant][seed]) for case in cases])
        for seed in seeds
    ]


def _grade(case: Case, value: float | None) -> Json:
    return record(case, quality={"metric": "loss", "value": value, "finite": value is not None, "curve": []})


def around(value: float, spread: float = 0.01, n: int = 3) -> list[float]:
    """n values whose logs are symmetric about log(value)."""
    steps = [0.0, 1.0, -1.0, 0.5, -0.5, 0.25, -0.25, 0.75, -0.75]
    return [value * (1 + spread) ** step for step in steps[:n]]


LEDGER = {claim.id: claim for claim in claims.load()}


def claim(**changes: Any) -> Claim:
    """A claim of a speedup of bf16 of 1.5 to 2, unless changed."""
    given = {
        "id": "test.claim",
        "technique": "mixed-precision",
        "says": "it is faster",
        "source": "a test",
        "metric": "speedup",
        "phase": "train",
        "range": [1.5, 2.0],
    }
    return claims._claim({**given, **changes})


def verdicts(run: HandRun, wanted: Claim | str, **options: Any) -> list[ClaimVerdict]:
    """Of one claim, made by hand or named in the ledger."""
    return judge(run, [LEDGER[wanted] if isinstance(wanted, str) else wanted], [], **options).claims


def one(run: HandRun, wanted: Claim | str, **options: Any) -> ClaimVerdict:
    """The only verdict on that claim."""
    (found,) = verdicts(run, wanted, **options)
    return found


def sped(ratios: Sequence[float], device: str = "cpu", **parameters: Any) -> HandRun:
    """A run in which bf16 has these speedups, one of each launch."""
    cases = group("fp32", "bf16", device=device, **parameters)
    return run(cases, launches=timed(cases, [{"fp32": r, "bf16": 1.0} for r in ratios]))
