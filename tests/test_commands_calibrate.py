"""`calibrate` as it is typed, with short launches: what it stores, and what it says to bad input."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness import calibrating, cli, commands_compare, comparing, folders, store
from harness.launch import Pace


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    quick = commands_compare.PROFILES["quick"]
    pace = Pace(rounds=2, block=0.01, lane=1.0, warm_up=0.05)
    small = dataclasses.replace(quick, pace=pace, launches=(2, 2))
    monkeypatch.setitem(commands_compare.PROFILES, "quick", small)
    monkeypatch.setattr(comparing, "FEWEST", 2)
    monkeypatch.setattr(comparing, "MOST", 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_calibration_is_stored_with_its_launches(
    short: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "ORDER", (0,))
    assert cli.main(["calibrate", "--budget", "1s", "--device", "cpu", "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert "takes 0.0167 minutes" in shown.err
    found = json.loads(shown.out)
    (path,) = short.glob("results/*/calibrations/*/calibration.json")
    assert json.loads(path.read_text()) == {key: value for key, value in found.items() if key != "folder"}
    assert found["same"]["n"] == len(found["comparisons"]) == 1
    assert found["same"]["pooled"]["n"] == 1
    assert 0.5 < found["bias"]["clock"]["point"] < 2
    run = store.read(path.parent)
    assert run.info["finished"]
    assert {launch["kind"] for launch in run.launches} == {"time"}
    assert folders.runs(short / "results") == [], "no command takes it for a run to judge"


def test_what_is_cut_short_is_no_calibration(
    short: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(calibrating, "measure", interrupted)
    assert cli.main(["calibrate", "--device", "cpu"]) == 130
    assert "no calibration" in capsys.readouterr().out
    assert not list(short.glob("results/*/calibrations/*/calibration.json"))


@pytest.mark.parametrize("arguments", [["--budget", "soon"], ["--timeout", "0"]])
def test_bad_input_is_one_line_and_writes_nothing(
    short: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert cli.main(["calibrate", *arguments]) == 2
    shown = capsys.readouterr()
    assert len(shown.err.splitlines()) == 1
    assert not shown.out
    assert not (short / "results").exists()


def test_a_device_that_is_not_there_is_said_before_anything_is_written(
    short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one here")
    assert cli.main(["calibrate", "--device", "cuda"]) == 2
    assert "torch finds no CUDA device" in capsys.readouterr().err
    assert not (short / "results").exists()
