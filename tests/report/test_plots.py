"""Plots: what is on them, from runs made by hand."""

from __future__ import annotations

from typing import Any

from harness import targets
from harness.judge import judge
from harness.report.plots import drawn, style
from harness.report.plots.pareto import front
from tests import handmade as hand

INFO = {
    "device": "cpu",
    "started": "2026-01-31T12:00",
    "machine": {"cpu": {"model": "A chip", "cores": 4}, "commit": "f00"},
}


def plots(run: hand.HandRun, *claims: Any) -> dict[str, str]:
    """Each plot of a run as SVG."""
    run.info.update(INFO)
    return {
        name: style.svg(one) for _, name, one in drawn.all_of(run.info, judge(run, claims, targets.load()))
    }


def test_a_forest_plot_says_the_speedup_the_claim_the_verdict_and_the_origin() -> None:
    svg = plots(hand.sped(hand.around(1.7)), hand.claim())["speedup"]
    for text in (
        "gpt2-train [bf16]",
        "1.7x",
        "confirmed, claimed 1.5x to 2x",
        "A chip, 4 cores",
        "f00",
        "2026-01-31",
    ):
        assert text in svg, text


def test_a_wrong_result_has_no_place_on_a_plot() -> None:
    cases = hand.group("fp32", "bf16")
    bad = {"metric": "loss", "value": 1.0, "tolerance": 1e-4, "ok": False}
    found = plots(hand.run(cases, launches=hand.timed(cases, [{"fp32": 2.0, "bf16": 1.0}] * 3, equality=bad)))
    assert "speedup" not in found


def test_names_are_text_and_no_markup() -> None:
    cases = hand.group("fp32", "$x^2$ <b>")
    svg = plots(hand.run(cases, launches=hand.timed(cases, [{"fp32": 2.0, "$x^2$ <b>": 1.0}] * 3)))["speedup"]
    assert "$x^2$ &lt;b&gt;" in svg


def test_growth_has_its_exponent() -> None:
    groups = [hand.group("fp32", "bf16", layers=n) for n in (2, 4, 8)]
    launches = [
        launch
        for cases, n in zip(groups, (2, 4, 8), strict=True)
        for launch in hand.weighed(cases, {"fp32": {"peak": n * 1000}, "bf16": {"peak": n * n}})
    ]
    svg = plots(hand.run(*groups, launches=launches))["growth of memory"]
    assert "fp32: exponent 1.00" in svg
    assert "bf16: exponent 2.00" in svg


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    points = [(100.0, 1.0, "base"), (50.0, 0.8, "lean"), (60.0, 0.7, "worse"), (90.0, 1.5, "best")]
    assert [name for _, _, name in front(points)] == ["lean", "best"]


def test_the_same_run_gives_the_same_svg() -> None:
    run = hand.sped(hand.around(1.7))
    assert plots(run, hand.claim()) == plots(run, hand.claim())
