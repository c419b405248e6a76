"""Which launches count, and how many more it takes: on launches written by hand."""

from __future__ import annotations

import math

import pytest

from harness import precision
from harness.record import Json


def time_launch(rounds: list[tuple[float, float]], **conditions: float | None) -> Json:
    def blocks(side: int) -> list[list[float]]:
        return [[pair[side]] for pair in rounds for _ in range(2)]

    records = [{"variant": "a", "blocks": blocks(0)}, {"variant": "b", "blocks": blocks(1)}]
    return {"baseline": "a", "conditions": conditions, "records": records}


def noise(launch: Json, precision_asked: float = 0.05) -> str:
    return precision.noise(launch, precision_asked)


def test_noise_is_told_by_rounds_that_disagree_and_by_what_the_machine_did() -> None:
    assert noise(time_launch([(1, 1), (1, 1), (1, 1)])) == ""
    assert "rounds leave an error" in noise(time_launch([(1, 1), (1, 2), (1, 1), (1, 3)]))
    assert "throttled" in noise(time_launch([(1, 1)], throttled=2.0))
    assert "the host gave 0.3 cores" in noise(time_launch([(1, 1)], steal=0.3))
    assert noise(time_launch([(1, 1)], steal=0.05)) == ""
    assert noise(time_launch([(1, 1)], steal=None)) == ""


def test_what_is_noise_depends_on_the_precision_that_is_asked_for() -> None:
    uneven = time_launch([(1, 1), (1, 1.1), (1, 1), (1, 1.1)])
    assert noise(uneven, 0.05) == ""
    assert "rounds leave an error of 4%" in noise(uneven, 0.02)


def test_effects_are_log_ratios_and_need_a_baseline() -> None:
    launch = time_launch([(1.0, 2.0)])
    assert precision.ratios([launch])["b"] == [pytest.approx(math.log(2))]
    launch["records"].pop(0)
    assert precision.ratios([launch]) == {}


@pytest.mark.parametrize(
    ("spread", "made", "number"),
    [(0.0, 3, 0), (0.3, 3, 3), (0.3, 6, 0), (0.02, 3, 1), (0.02, 5, 0)],
    ids=["even", "wide: to the most", "no more allowed", "narrow by chance, perhaps", "narrow"],
)
def test_how_many_more_launches_it_takes(spread: float, made: int, number: int) -> None:
    wobbly = [spread * (-1) ** launch for launch in range(made)]
    assert precision.further({"even": [0.0] * made, "wobbly": wobbly}, made, precision=0.05, most=6) == number
