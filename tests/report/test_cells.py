"""A row's figures as a reader meets them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import summary
from harness.record import Case, Json
from harness.report import cells
from harness.rows import CaseSummary
from harness.stats import Interval
from tests import handmade

CASES = handmade.group("fp32", "bf16", batch=4)


def rows(launches: list[Json]) -> list[CaseSummary]:
    return summary.summarise(handmade.run(CASES, launches=launches))


def equality(ok: bool) -> Json:
    return {
        "metric": "relative L2",
        "value": 0.01,
        "tolerance": 0.05 if ok else 1e-4,
        "ok": ok,
        "message": "",
    }


def timed(ok: bool = True) -> list[Json]:
    seconds = [{"fp32": 0.2, "bf16": variant} for variant in (0.100, 0.101, 0.099)]
    return handmade.timed(CASES, seconds, equality=equality(ok), samples=4)


def test_a_speedup_has_its_interval_and_the_baseline_says_so() -> None:
    baseline, variant = rows(timed())
    assert cells.speedup(baseline) == "baseline"
    assert cells.speedup(variant) == "2x (1.94x to 2.06x)"
    assert cells.workload(variant) == "gpt2-train batch=4"
    assert cells.equal(variant) == "yes"


def test_a_wrong_result_has_no_speedup() -> None:
    _, variant = rows(timed(ok=False))
    assert cells.speedup(variant) == ""
    assert cells.equal(variant) == "NO"
    assert "wrong result" in cells.remark(variant)


def test_one_launch_gives_no_interval() -> None:
    _, variant = rows(timed()[:1])
    assert cells.speedup(variant) == "2x (1 launch)"


def test_an_optimizer_s_state_is_told_where_it_is_another() -> None:
    def record(case: Case, state: int) -> Json:
        return handmade.record(case, memory={"peak": 100_000, "optimizer": state})

    for state, says in ((10_000, "optimizer state 10 kB, -75 %"), (40_000, "")):
        records = [record(CASES[0], 40_000), record(CASES[1], state)]
        baseline, variant = rows([handmade.launch(CASES, "memory", 0, records)])
        assert (cells.remark(baseline), cells.remark(variant)) == ("", says)


def test_what_failed_has_no_optimizer_s_state_to_tell_of() -> None:
    kept = handmade.record(CASES[0], memory={"peak": 100_000, "optimizer": 40_000})
    broken = handmade.record(CASES[1], outcome="crashed: SIGKILL", message="the worker ended with SIGKILL")
    _, variant = rows([handmade.launch(CASES, "memory", 0, [kept, broken])])
    assert cells.remark(variant) == "crashed: SIGKILL: the worker ended with SIGKILL"


def test_what_is_measured_beside_the_quality_is_told() -> None:
    found = {"metric": "1 / neighbours kept", "value": 1.0, "finite": True, "curve": [], "neighbours": 1.0}
    record = handmade.record(CASES[0], quality={**found, "cosine": 0.9987})
    baseline, _ = rows([handmade.launch(CASES, "quality", 0, [record])])
    assert cells.remark(baseline) == "neighbours kept 1, cosine 0.999"


def test_of_accuracy_its_own_value_and_fall_are_told_not_the_inverse() -> None:
    def record(case: Case, value: float) -> Json:
        return handmade.record(case, quality={"metric": "1 / accuracy", "value": value, "finite": True})

    reached = [(1.25, 2.5), (1.25, 2.0), (1.25, 2.5)]
    launches = [
        handmade.launch(CASES, "quality", number, [record(*one) for one in zip(CASES, values, strict=True)])
        for number, values in enumerate(reached)
    ]
    _, one = rows(launches[:1])
    assert cells.remark(one) == "accuracy 0.4, -50.00% (1 launch)"
    baseline, variant = rows(launches)
    assert cells.remark(baseline) == "accuracy 0.8"
    assert cells.remark(variant).startswith("accuracy 0.429, -46.43% (-60.21% to ")


def test_memory_is_the_peak_and_its_change() -> None:
    records = [
        handmade.record(case, memory={"peak": peak, "resident": 0})
        for case, peak in zip(CASES, (200, 150), strict=True)
    ]
    baseline, variant = rows([handmade.launch(CASES, "memory", 0, records)])
    assert cells.memory(baseline) == "200 B"
    assert cells.memory(variant) == "150 B, -25 %"


def test_a_failed_case_shows_what_happened() -> None:
    records = [handmade.record(CASES[0]), handmade.record(CASES[1], "timeout", "block took over 9 s")]
    _, variant = rows([handmade.launch(CASES, "time", 0, records)])
    assert cells.remark(variant) == "timeout: block took over 9 s"
    assert len(cells.cells(variant)) == len(cells.COLUMNS)


@pytest.mark.parametrize(
    ("cold", "after", "says"),
    [
        (20.0, 1234.0, "first step +20 s: pays after 1,234 steps"),
        (20.0, float("inf"), "first step +20 s: never pays"),
        (20.0, None, "first step +20 s"),
        (0.2, 3.0, ""),
    ],
)
def test_compiling_says_when_it_has_paid(cold: float, after: float | None, says: str) -> None:
    _, variant = rows(timed())
    assert variant.timing is not None
    timing = replace(variant.timing, compile_cold=cold, pays_after=after, compile_warm=None)
    assert cells.remark(replace(variant, timing=timing)) == says


def test_the_heading_names_profile_device_commit_and_torch() -> None:
    info = {
        "profile": "quick",
        "device": "cpu",
        "machine": {"commit": "0123456789abcdef"},
        "torch": {"torch": "2.13.0"},
    }
    assert cells.heading(info) == "quick on cpu, commit 0123456789, torch 2.13.0"
    info["started"] = "2026-01-31T12:34:56+00:00"
    assert "quick on cpu, 2026-01-31 12:34 UTC, commit" in cells.heading(info)


def test_a_machine_that_became_another_during_the_run_is_told() -> None:
    info: Json = {"profile": "quick", "device": "cpu", "ceilings": {"float32": 200.0, "copy": 10.0}}
    assert "ceilings" not in cells.heading(info)
    info["ceilings_at_end"] = {"float32": 160.0, "copy": 10.2}
    assert cells.heading(info).endswith("the machine itself changed while it ran: float32 arithmetic -20 %")
    info["ceilings_at_end"] = {"float32": 196.0}
    assert cells.drift(info) == ""


def test_an_unbounded_interval_is_not_drawn_as_a_number() -> None:
    assert Interval(1.0, 0.0, float("inf"), 1).half_width == float("inf")


def test_among_a_family_a_variant_has_its_techniques_name() -> None:
    def named(benchmark: str, variant: str, technique: str) -> str:
        (case,) = handmade.group(variant, benchmark=benchmark, technique=technique)
        return cells.variant(CaseSummary(case=case, outcome="ok"))

    assert named("batch-size", "4", "batch") == "batch-size:4"
    assert named("mixed-precision", "bf16", "") == "bf16"
    assert named("checkpointing-depth", "full", "checkpointing") == "full"
    assert named("a", "checkpointing:full+compile:default", "b") == "checkpointing:full+compile:default"


def test_a_cost_leaves_out_long_lists_of_figures() -> None:
    (case,) = handmade.group("bf16")
    few = CaseSummary(case=case, outcome="ok", figures={"hit rate": 0.6, "part:forward": 1.0})
    many = CaseSummary(case=case, outcome="ok", figures={"a": 1.0, "b": 2.0, "c": "d"})
    assert cells.cost(few) == "hit rate 0.6"
    assert cells.cost(many) == ""
    assert cells.remark(many) == "a 1, b 2, c d"


def test_a_figure_has_its_unit_behind_the_number() -> None:
    (case,) = handmade.group("bf16")
    figures = {"prefill s": 0.0048, "decoded tokens/s": 1310.0, "hit rate": 0.5}
    row = CaseSummary(case=case, outcome="ok", figures=figures)
    assert cells.remark(row) == "prefill 4.8 ms, decoded 1,310 tokens/s, hit rate 0.5"


def test_two_controls_of_the_same_workload_have_different_names() -> None:
    found = {
        cells.variant(CaseSummary(case=case, outcome="ok"))
        for name in ("control", "control-fresh")
        for case in handmade.group("again", benchmark=name, technique="control")
    }
    assert found == {"again", "again, control-fresh"}
