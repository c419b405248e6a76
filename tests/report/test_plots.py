"""Plots: what is on them, from runs made by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from matplotlib.figure import Figure

from harness import halves, targets
from harness.history import History, Point, Series
from harness.judge import judge
from harness.report.plots import canvas, drawn, letters, style
from harness.report.plots.history import history
from harness.report.plots.latency import histogram
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
    svg = plots(hand.run(*groups, launches=launches))["growth over depth"]
    assert "fp32, k 1.00" in svg
    assert "bf16, k 2.00" in svg


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    points = [(100.0, 1.0, "base"), (50.0, 0.8, "lean"), (60.0, 0.7, "worse"), (90.0, 1.5, "best")]
    assert [name for _, _, name in front(points)] == ["lean", "best"]


def test_the_same_run_gives_the_same_svg() -> None:
    run = hand.sped(hand.around(1.7))
    assert plots(run, hand.claim()) == plots(run, hand.claim())


def told(run: hand.HandRun) -> hand.HandRun:
    """The run with the machine's limits: 100 FLOP/s and 10 B/s."""
    run.info["ceilings"] = {"float32": 100.0, "bfloat16": 400.0, "copy": 10.0}
    return run


def test_latency_has_its_percentiles_and_only_where_somebody_waits() -> None:
    cases = hand.group("fp32", "bf16", phase="infer")
    launches = hand.timed(cases, [{"fp32": 0.2, "bf16": 0.1}] * 3)
    launches[0]["records"][1]["blocks"] = [[0.1] * 99, [0.9]]
    svg = plots(hand.run(cases, launches=launches))["latency"]
    assert "p50 200 ms, p95 200 ms, p99 200 ms; 12 steps, slowest 200 ms" in svg
    assert "p50 100 ms, p95 100 ms, p99 100 ms; 108 steps, slowest 900 ms" in svg
    assert "latency" not in plots(hand.sped(hand.around(1.7)))


def test_samples_of_noisy_launches_do_not_count_where_others_do() -> None:
    cases = hand.group("fp32", "bf16", phase="infer")
    times = [{"fp32": 0.2, "bf16": 0.1}] * 3 + [{"fp32": 7.0, "bf16": 7.0}]
    svg = plots(hand.run(cases, launches=hand.timed(cases, times, noisy=[3])))["latency"]
    assert "12 steps, slowest 200 ms" in svg
    svg = plots(hand.run(cases, launches=hand.timed(cases, times, noisy=[2, 3])))["latency"]
    assert "16 steps, slowest 7 s" in svg


def test_a_histogram_is_even_on_a_log_scale_and_full_at_its_fullest() -> None:
    edges, heights = histogram([1.0, 1.0, 10.0, 1000.0], 1.0, 100.0)
    assert edges[0] == 1.0
    assert edges[30] == pytest.approx(10)
    assert edges[-1] == pytest.approx(100)
    assert (heights[0], max(heights), sum(heights)) == (1.0, 1.0, 1.5)


def test_the_percent_of_the_limit_says_what_bounds_the_step() -> None:
    cases = hand.group("fp32", "bf16")
    timed = hand.timed(cases, [{"fp32": 2.0, "bf16": 1.0}] * 3, flops=100, minimum_bytes=5)
    svg = plots(told(hand.run(cases, launches=timed)))["percent of the limit"]
    assert "50 %: 50 FLOP/s of 100 FLOP/s, bound by arithmetic" in svg
    assert "50 %: 5 B/s of 10 B/s, bound by memory traffic" in svg
    assert "percent of the limit" not in plots(hand.run(cases, launches=timed)), "no limit was measured"


def test_the_parts_of_a_step_are_shares_and_forward_alone_is_no_picture() -> None:
    cases = hand.group("fp32", "bf16")
    whole = {"part:forward": 0.01, "part:backward": 0.02, "part:optimizer": 0.01, "part:data": 1e-5}
    launches = hand.weighed(cases, {"fp32": {"peak": 1}, "bf16": {"peak": 1}}, figures=whole)
    svg = plots(hand.run(cases, launches=launches))["parts of a step"]
    assert "gpt2-train [fp32, baseline]: 40 ms" in svg
    assert "forward 25 %, backward 50 %, optimizer 25 %" in svg
    alone = {"part:forward": 0.01, "part:other": 1e-6}
    launches = hand.weighed(cases, {"fp32": {"peak": 1}, "bf16": {"peak": 1}}, figures=alone)
    assert "parts of a step" not in plots(hand.run(cases, launches=launches))


def test_growth_over_length_is_of_one_sequence_and_has_time_too() -> None:
    groups = [hand.group("fp32", "bf16", length=n, batch=64 // n) for n in (4, 8, 16)]
    launches = [
        launch
        for cases, n in zip(groups, (4, 8, 16), strict=True)
        for launch in hand.timed(cases, [{"fp32": 64 / n * n * n, "bf16": 64.0}] * 3)
    ]
    svg = plots(hand.run(*groups, launches=launches))["growth over sequence length"]
    assert "fp32, k 2.00" in svg
    assert "bf16, k 1.00" in svg
    assert "one sequence" in svg


def test_labels_keep_their_order_and_their_distance() -> None:
    assert style.apart([0.5, 0.51, 0.0], 0.1) == pytest.approx([0.455, 0.555, 0.0])
    assert style.apart([0.3, 0.2, 0.1], 0.05) == [0.3, 0.2, 0.1]
    moved = style.apart([0.1, 0.1, 0.1, 0.15, 0.9], 0.2)
    assert moved == sorted(moved)
    assert min(b - a for a, b in itertools.pairwise(moved)) == pytest.approx(0.2)


@pytest.mark.parametrize("ends", [(0.9, 1.2), (0.001, 50.0), (2.0, 2.9), (1e-5, 9e-5)])
def test_a_log_axis_has_a_few_round_numbers(ends: tuple[float, float]) -> None:
    ticks = style.few_ticks(*ends)
    assert 2 <= len(ticks) <= 5
    assert all(ends[0] <= tick <= ends[1] for tick in ticks)


def test_a_long_name_is_cut_where_it_is_seen_and_keeps_its_ends() -> None:
    assert letters.short("checkpointing:full+compile:default", 20) == "checkpointing…efault"
    assert letters.short("as it is", 8) == "as it is"


def test_a_history_says_what_changed_and_from_which_commit_on() -> None:
    values = [*[0.1, 0.101] * 4, *[0.15, 0.151] * 4]
    points = tuple(Point(f"{n:08x}", f"{n:02d}", value) for n, value in enumerate(values))
    counted = tuple(Point(f"{n:08x}", f"{n:02d}", 5e6) for n in range(4))
    series = (Series("a case", "time of a step", points), Series("another", "peak memory", counted))
    figure = history(History("m", "asv", INFO, series))
    assert figure is not None
    svg = style.svg(figure)
    assert "a case: time of a step" in svg
    assert "1.5x from commit 00000008 on" in svg
    assert "5 MB to 5 MB; it takes 8 commits to tell a change" in svg
    assert "Over 16 commits, from asv" in svg
    assert history(History("m", "asv", INFO, ())) is None


def test_the_overview_has_the_best_of_each_technique_and_the_fastest_first() -> None:
    groups = [
        hand.group("none", "slow", "quick", technique="a", benchmark="a"),
        hand.group("none", "lean", technique="b", benchmark="b"),
        hand.group("same", "again", technique="control", benchmark="control"),
    ]
    launches = [
        *hand.timed(groups[0], [{"none": 2.0, "slow": 4.0, "quick": 1.0}] * 3),
        *hand.weighed(groups[1], {"none": {"peak": 200}, "lean": {"peak": 50}}),
        *hand.timed(groups[2], [{"same": 2.0, "again": 1.0}] * 3),
    ]
    svg = plots(hand.run(*groups, launches=launches))["overview"]
    assert svg.index("a:quick on gpt2-train") < svg.index("b:lean on gpt2-train")
    assert "2x as fast; memory not measured" in svg
    assert "not timed; memory 50 B, -75 %" in svg
    assert "slow" not in svg
    assert "again" not in svg


def test_each_plot_is_drawn_once_and_each_text_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is most of what a page takes, and saving as matplotlib does it draws twice."""
    draws: list[Figure] = []
    measured: list[tuple[Any, ...]] = []
    draw, measure = Figure.draw, canvas.text_to_path.get_text_width_height_descent
    monkeypatch.setattr(halves, "_forks", lambda: False)
    monkeypatch.setattr(Figure, "draw", lambda *given: (draws.append(given[0]), draw(*given)))
    monkeypatch.setattr(
        canvas.text_to_path,
        "get_text_width_height_descent",
        lambda *given: (measured.append(given), measure(*given))[1],
    )
    canvas._extent.cache_clear()
    run = hand.sped(hand.around(1.7))
    run.info.update(INFO)
    found = drawn.pictures(run.info, judge(run, [hand.claim()], targets.load()))
    assert len(found) >= 2
    assert len(draws) == len(found)
    assert len(set(measured)) == len(measured)


def test_nothing_of_a_plot_of_rows_lies_beyond_its_edge() -> None:
    """Where all is placed by hand, what has no room would be cut."""
    run = told(hand.sped(hand.around(1.7)))
    run.info.update(INFO)
    for _, name, figure in drawn.all_of(run.info, judge(run, [hand.claim()], targets.load())):
        style.laid_out(figure)
        whole = figure.get_tightbbox(figure.canvas.get_renderer())
        assert min(whole.x0, whole.y0) > 0, name
        assert whole.x1 < figure.get_figwidth(), name
        assert whole.y1 < figure.get_figheight(), name
        title, origin = (one.get_window_extent() for one in figure.texts)
        for axes in figure.axes:
            assert not axes.xaxis.label.get_window_extent().overlaps(origin), name
            assert axes.get_window_extent().y1 < title.y0, name
