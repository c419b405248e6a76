"""One speedup against others: launch by launch where they were timed together, and only there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from harness.verdict import INCONCLUSIVE, NOT_MEASURED, REVERSED
from tests import handmade as hand
from tests.handmade import one

KV = {"benchmark": "kv-cache", "technique": "caching", "phase": "generate"}
DYNAMIC = hand.claim(
    technique="caching", phase="generate", variants=["static"], figure="over_dynamic", range=[1.5, 4.5]
)


def test_a_launch_that_one_of_them_missed_shifts_no_pair() -> None:
    cases = hand.group("off", "dynamic", "static", **KV)
    paces = [1.0, 2.0, 4.0, 8.0]  # The machine; static is always twice as fast as dynamic.
    seconds: list[dict[str, float]] = [{"off": 1.0, "dynamic": pace, "static": pace / 2} for pace in paces]
    del seconds[0]["dynamic"], seconds[3]["static"]
    found = one(hand.run(cases, launches=hand.timed(cases, seconds)), DYNAMIC).found
    assert found is not None
    assert (found.value.point, found.value.low, found.value.n) == pytest.approx((2, 2, 2))


def test_without_a_launch_of_both_there_is_no_ratio() -> None:
    cases = hand.group("off", "dynamic", "static", **KV)
    launches = hand.timed(cases, [{"off": 1.0, "dynamic": 1.0}, {"off": 1.0, "static": 1.0}])
    found = one(hand.run(cases, launches=launches), DYNAMIC)
    assert (found.verdict, found.reason) == (NOT_MEASURED, "no launch timed both it and dynamic")


def generated(speedups: Mapping[int, Sequence[float]]) -> hand.HandRun:
    groups = {new: hand.group("off", "dynamic", **KV, new=new) for new in speedups}
    launches = [
        launch
        for new, cases in groups.items()
        for launch in hand.timed(cases, [{"off": each, "dynamic": 1.0} for each in speedups[new]])
    ]
    return hand.run(*groups.values(), launches=launches)


def test_launches_of_two_lengths_are_no_pairs_though_they_rise_and_fall_together() -> None:
    short, long = [1.0, 1.5, 2.0, 2.5], [1.1, 1.65, 2.2, 2.75]
    found = one(generated({8: short, 64: long}), "kv-cache.001")
    assert found.found is not None
    assert found.found.value.point == pytest.approx(1.1)
    assert found.verdict == INCONCLUSIVE
    assert one(generated({8: short, 64: [each / 4 for each in long]}), "kv-cache.001").verdict == REVERSED


def test_as_many_launches_as_there_are_count_of_each_length() -> None:
    found = one(generated({8: [1.0] * 3 + [9.0], 64: [2.0] * 3}), "kv-cache.001").found
    assert found is not None
    assert found.value.point == pytest.approx(2 / 9**0.25)
