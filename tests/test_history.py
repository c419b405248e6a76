"""How figures went over commits: what is read, and which changes are told from chance."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from harness import history, store
from tests import handmade as hand

NOISE = [random.Random(3).gauss(0, 0.02) for _ in range(40)]


def level(*parts: tuple[int, float]) -> list[float]:
    """So many values at each level, with 2 % of noise."""
    flat = [value for number, value in parts for _ in range(number)]
    return [value * (1 + noise) for value, noise in zip(flat, NOISE, strict=False)]


@pytest.mark.parametrize(
    ("values", "places"),
    [
        (level((20, 1.0)), []),
        (level((12, 1.0), (10, 1.3)), [12]),
        (level((10, 1.0), (10, 1.3), (10, 0.9)), [10, 20]),
        ([5.0] * 10, []),
        ([5.0] * 6 + [6.0] * 6, [6]),
        ([5.0] * 6 + [5.05] * 6, []),
        ([1.0, 1.0, 1.0, 2.0, 2.0, 2.0], []),
    ],
    ids=["steady", "once", "up and down", "counted, the same", "counted", "too small to matter", "too few"],
)
def test_a_change_is_found_where_it_is_and_nowhere_else(values: list[float], places: list[int]) -> None:
    assert history.change_points(tuple(values)) == tuple(places)


def test_noise_alone_is_rarely_called_a_change() -> None:
    dice = random.Random(7)
    noise = [tuple(dice.lognormvariate(0, 0.1) for _ in range(12)) for _ in range(60)]
    called = sum(bool(history.change_points(one)) for one in noise)
    assert called <= 9  # 5 % of 60 is 3; more than 9 would have a chance of one in a thousand.


def commit(folder: Path, name: str, day: int, seconds: float | None, peak: int, version: str = "1") -> None:
    params = [["'gpt2-train@cpu'"], ["'fp32'", "'bf16'"]]
    found = {
        "commit_hash": name * 8,
        "date": day * 86_400_000,
        "result_columns": ["result", "params", "version"],
        "results": {
            "Mixed.time_step": [[seconds, 0.1], params, version],
            "Mixed.track_peak_memory": [[peak, None], params, "1"],
            "Mixed.track_throughput": [[1.0, 1.0], params, "1"],
        },
    }
    (folder / f"{name}-env.json").write_text(json.dumps(found))


@pytest.fixture
def asv(tmp_path: Path) -> Path:
    folder = tmp_path / "asv" / "m"
    folder.mkdir(parents=True)
    (folder / "machine.json").write_text(json.dumps({"cpu": "A chip", "num_cpu": "4"}))
    commit(folder, "b", 2, 0.3, 200)
    commit(folder, "a", 1, 0.2, 100)
    commit(folder, "c", 3, None, 200)
    (folder / "torn-env.json").write_text('{"results": ')
    return tmp_path


def test_what_asv_stored_is_read_in_the_order_of_the_commits(asv: Path) -> None:
    (found,) = history.read(asv)
    assert (found.machine, found.info["machine"]["cpu"]["model"]) == ("m", "A chip")
    told = {(one.name, one.metric): [point.value for point in one.points] for one in found.series}
    assert told == {
        ("Mixed gpt2-train@cpu fp32", "time of a step"): [0.2, 0.3],
        ("Mixed gpt2-train@cpu bf16", "time of a step"): [0.1, 0.1, 0.1],
        ("Mixed gpt2-train@cpu fp32", "peak memory"): [100, 200, 200],
    }
    assert found.info["started"].startswith("1970-01-04")


def test_values_of_another_version_are_another_series(asv: Path) -> None:
    commit(asv / "asv" / "m", "d", 4, 0.9, 200, version="2")
    (found,) = history.read(asv)
    (times,) = [one for one in found.series if one.name.endswith("fp32") and one.metric == "time of a step"]
    assert [point.value for point in times.points] == [0.2, 0.3]


def stored(folder: Path, day: int, ratio: float) -> None:
    made = hand.sped(hand.around(ratio))
    folder.mkdir(parents=True)
    info = {"schema": 1, "started": f"2026-01-{day:02d}", "machine": {"commit": str(day) * 8}, **made.info}
    (folder / store.RUN).write_text(json.dumps(info))
    (folder / store.JOURNAL).write_text("".join(json.dumps(one) + "\n" for one in made.launches))


def test_several_runs_of_a_machine_are_a_history_and_one_is_none(tmp_path: Path) -> None:
    stored(tmp_path / "m" / "1", 1, 2.0)
    assert history.read(tmp_path) == []
    stored(tmp_path / "m" / "2", 2, 3.0)
    stored(tmp_path / "other" / "1", 2, 3.0)
    (found,) = history.read(tmp_path)
    (base,) = [one for one in found.series if one.name.endswith("#fp32")]
    assert [round(point.value, 3) for point in base.points] == [2.0, 3.0]
    assert [point.commit[0] for point in base.points] == ["1", "2"]


def test_nothing_stored_is_no_history(tmp_path: Path) -> None:
    assert history.read(tmp_path / "nowhere") == []
