"""Trained models: one training for all workers of a run, and never the wrong weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness import benchmark
from harness.models import _trained
from harness.workload import Workload


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """The seeds of the trainings made so far; workers share a folder."""
    made: list[int] = []
    real = _trained._taught

    def counted(train: Workload) -> torch.nn.Module:
        made.append(train.seed)
        return real(train)

    monkeypatch.setattr(_trained, "_taught", counted)
    monkeypatch.setenv(_trained.FOLDER, str(tmp_path / "trained"))
    return made


def weights(seed: int = 0, model: str = "digits", **given: Any) -> dict[str, torch.Tensor]:
    workload = benchmark.model(model)(phase="infer", size="tiny", seed=seed, **given)
    built: dict[str, torch.Tensor] = workload.build().model.state_dict()
    return built


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("model", ["digits", "topics"])
def test_the_first_trains_and_the_others_read(trainings: list[int], model: str) -> None:
    first = weights(model=model)
    assert same(first, weights(model=model))
    assert trainings == [0]


def test_another_seed_or_shape_is_trained_by_itself(trainings: list[int]) -> None:
    first = weights()
    assert not same(first, weights(seed=1))
    assert weights(layers=2).keys() > first.keys()
    assert trainings == [0, 1, 0]


def test_what_is_read_is_what_training_gave(trainings: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        read = weights()
        monkeypatch.delenv(_trained.FOLDER)
        assert same(read, weights())
    finally:
        torch.use_deterministic_algorithms(False)
    assert trainings == [0, 0]


def test_a_folder_that_cannot_be_written_costs_time_only(
    trainings: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(_trained.FOLDER, str(tmp_path / "file" / "folder"))
    weights()
    weights()
    assert trainings == [0, 0]
