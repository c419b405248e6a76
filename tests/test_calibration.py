"""What a calibration tells, from launches made by hand, and when it no longer speaks for a run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import calibrating, calibration, significance
from harness.changes import View
from harness.record import Json
from harness.report import calibrated
from tests import handmade as hand

AGAIN = 5
MACHINE = {
    "cpu": {"model": "A CPU", "governor": "performance"},
    "memory": {"total": 25_276_514_304, "limit": None},
}


def compared(
    number: int, planted: int, ratios: list[float], again: Sequence[float] = ()
) -> tuple[Any, list[Json]]:
    group = calibrating.lanes(number, planted, "cpu")
    made = hand.timed(group, [{"A": 0.001, "B": 0.001 * ratio} for ratio in ratios])
    more = hand.timed(group, [{"A": 0.001, "B": 0.001 * ratio} for ratio in again])
    return group, [*made, *({**one, "confirms": True} for one in more)]


def derived(*comparisons: tuple[Any, list[Json]]) -> Json:
    run = hand.run(
        *(group for group, _ in comparisons), launches=[one for _, all in comparisons for one in all]
    )
    return calibration.derive(View(run.info, run.launches), AGAIN)


SAME = hand.around(1.0, n=5)
MORE = hand.around(1.05, n=5)


def test_false_alarms_and_what_was_found_are_counted_with_their_bounds() -> None:
    found = derived(
        compared(0, 0, SAME), compared(1, 0, MORE, MORE), compared(2, 5, MORE, MORE), compared(3, 5, SAME)
    )
    assert (found["same"]["n"], found["same"]["alarms"], found["same"]["false_alarms"]) == (2, 1, 1)
    assert found["same"]["misses"] == 1
    assert found["same"]["at_most"] == pytest.approx(significance.at_most(1, 2))
    assert (found["planted"]["5"]["n"], found["planted"]["5"]["found"]) == (2, 1)
    assert found["planted"]["5"]["read"]["point"] == pytest.approx(math.sqrt(1.05))
    assert [one["verdict"] for one in found["comparisons"]] == ["same", "slower", "slower", "same"]
    json.dumps(found, allow_nan=False)


def test_the_change_that_is_found_grows_with_the_noise_and_is_none_below_what_counts_as_same() -> None:
    quiet, loud = (
        derived(compared(0, 0, hand.around(1.0, spread, n=5)))["finds"] for spread in (0.001, 0.05)
    )
    assert quiet["change"] == 0.02
    assert loud["change"] > 0.05
    assert (loud["launches"], loud["half_width"] > 0.02) == (5, True)


def test_the_noise_of_side_a_is_told() -> None:
    group, launches = compared(0, 0, [1.0, 1.0])
    drifting, spiky = launches[0]["records"][0], launches[1]["records"][0]
    drifting["blocks"] = [[0.001 * math.exp(0.01 * visit)] for visit in (0, 1, 2, 3)]
    spiky["blocks"] = [[0.001, 0.001, 0.001, 0.002]] * 4
    noise = derived((group, launches))["noise"]
    assert noise["drift"] == pytest.approx(0.03 / 2)
    assert noise["spikes"] == pytest.approx(4 / 20)
    assert noise["load_of_others"] is None


def test_the_clock_is_what_the_measured_processes_said_of_it() -> None:
    group, launches = compared(0, 0, SAME)
    for launch, told in zip(launches, (1.01, 0.99, 1.0, 1.0, 1.0), strict=True):
        launch["records"][0]["figures"] = {"clock over bare loop": told}
    clock = derived((group, launches))["bias"]["clock"]
    assert clock["point"] == pytest.approx(1, abs=1e-3)
    assert clock["n"] == 5


def test_what_failed_is_not_counted() -> None:
    group, launches = compared(0, 0, [1.0])
    for record in launches[0]["records"]:
        record.update(outcome="timeout", blocks=[])
    found = derived((group, launches))
    assert (found["comparisons"], found["same"]["n"], found["same"]["at_most"]) == ([], 0, 1.0)
    assert found["finds"]["change"] is None


def whole(started: str = "2026-01-31T12:00:00+00:00", **changes: Any) -> Json:
    made = derived(compared(0, 0, SAME), compared(1, 5, MORE, MORE))
    return {"schema": 1, "started": started, "profile": "quick", "machine": MACHINE, **made, **changes}


def keep(results: Path, name: str, made: Json) -> None:
    folder = results / "m" / "calibrations" / name
    folder.mkdir(parents=True)
    calibration.write(folder, made)


def beside(
    results: Path, at: str = "2026-02-01T12:00:00+00:00", machine: Json = MACHINE, place: str = "r"
) -> str:
    return calibration.beside(results / "m" / place, {"started": at, "machine": machine})


def test_a_run_shows_the_calibration_nearest_in_time(tmp_path: Path) -> None:
    assert beside(tmp_path).startswith("not calibrated: python -m harness calibrate")
    keep(tmp_path, "one", whole())
    keep(tmp_path, "two", whole("2026-02-20T12:00:00+00:00"))
    said = beside(tmp_path)
    assert said.startswith("calibrated 2026-01-31 (quick): 0 false alarms of 1 (at most 95 %), finds +")
    assert "but" not in said
    assert beside(tmp_path, place="compare/r") == said
    assert "calibrated 2026-02-20" in beside(tmp_path, "2026-02-19T00:00:00")


def test_it_says_when_it_is_too_old_or_of_another_machine(tmp_path: Path) -> None:
    keep(tmp_path, "one", whole())
    assert "34 days away, which is too old" in beside(tmp_path, "2026-03-06T12:00:00+00:00")
    slow = {**MACHINE, "cpu": {"model": "A CPU", "governor": "powersave"}}
    assert "not of the machine as it is, cpu.governor: performance against powersave" in beside(
        tmp_path, machine=slow
    )
    same_source = {**MACHINE, "commit": "abc", "memory": {"total": 25_276_502_016, "limit": None}}
    assert "but" not in beside(tmp_path, machine=same_source)


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not JSON"), ('{"schema": 2}', "reads up to 1"), ('{"schema": 1}', "no calibration")],
)
def test_a_broken_file_is_said_and_stops_no_verdict(tmp_path: Path, text: str, says: str) -> None:
    keep(tmp_path, "one", whole())
    (tmp_path / "m" / "calibrations" / "one" / "calibration.json").write_text(text)
    assert says in beside(tmp_path)


def test_earlier_calibrations_of_the_same_machine_tighten_the_bound() -> None:
    new = whole()
    other = whole(machine={"cpu": {"model": "Another"}})
    pool = calibration.pooled(
        new, [whole("2026-01-20T12:00:00+00:00"), whole("2025-11-01T12:00:00+00:00"), other]
    )
    assert (pool["n"], pool["false_alarms"]) == (2, 0)
    assert pool["at_most"] < new["same"]["at_most"]


def test_the_table_has_a_line_for_each_finding() -> None:
    rows = dict(calibrated.rows(whole()))
    assert rows["no change"].startswith("0 false alarms of 1, at most 95 %")
    assert rows["+5 % planted"].startswith("found in 1 of 1 (at least 5 %), read as 1.05")
    assert "of cases, with 5 launches" in rows["smallest change found"]
    assert rows["clock against a bare loop"] == "not measured"
