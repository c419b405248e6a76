"""What fails a check, and what does not."""

from __future__ import annotations

import pytest

from harness.changes import Change, Compared, Comparison, bound, failures
from harness.errors import BadInput
from harness.stats import Interval


def comparison(change: Change, metric: str = "time", live: bool = True) -> Comparison:
    return Comparison("a", "b", live, [Compared("case", {metric: change})])


def slower(point: float, low: float = 1.01) -> Change:
    return Change("slower", "told", Interval(point, low, point + 0.01, 5))


@pytest.mark.parametrize(
    ("change", "live", "fails"),
    [
        (slower(1.06), True, True),
        (slower(1.04), True, False),
        (slower(1.06), False, False),
        (slower(1.09, 1.06), False, True),
        (Change("unclear", "", Interval(1.3, 0.9, 1.9, 3)), True, False),
        (Change("faster", "", Interval(0.8, 0.7, 0.9, 3)), True, False),
    ],
)
def test_slower_by_more_than_its_bound_fails(change: Change, live: bool, fails: bool) -> None:
    assert bool(failures(comparison(change, live=live), [bound("slower:5%")])) == fails


def test_nothing_fails_without_a_bound() -> None:
    assert failures(comparison(slower(2.0)), []) == []


def test_a_case_that_fails_now_breaks_any_bound() -> None:
    assert failures(comparison(Change("fails", "timeout"), "results"), [bound("memory:1%")])


@pytest.mark.parametrize("text", ["slow:5%", "slower:5", "slower:-5%", "different:5%", ""])
def test_a_bound_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--fail-on"):
        bound(text)
