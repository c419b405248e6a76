"""The images: the real digits as scikit-learn has them, and JPEGs that a seed decides."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from harness.data import images
from harness.errors import Unsupported


def test_scans_are_the_digits_of_scikit_learn() -> None:
    scans, labels = images.scans()
    expected = load_digits()
    assert (scans * 16 == expected.images).all()
    assert (labels == expected.target).all()


def test_digits_are_scaled_up_and_keep_their_labels() -> None:
    pixels, labels = images.digits(5, 32, seed=1)
    assert pixels.shape == (5, 3, 32, 32)
    assert -1 <= pixels.min() < -0.9 < 0.9 < pixels.max() <= 1
    scans, every = images.scans()
    coarse = (pixels[:, 0].unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4)) + 1) / 2
    for one, label in zip(coarse.numpy(), labels.numpy(), strict=True):
        nearest = np.abs(scans - one).sum(axis=(1, 2)).argmin()
        assert every[nearest] == label


def test_digits_follow_the_seed_and_come_round_again() -> None:
    labels = images.digits(1797 + 3, 8, seed=1)[1]
    assert (labels[:3] == labels[1797:]).all()
    assert (labels != images.digits(1797 + 3, 8, seed=2)[1]).any()


def test_the_split_shares_nothing_and_leaves_nothing_out() -> None:
    train, test = images.split()
    assert len(train) == images.TRAINED
    assert sorted([*train, *test]) == list(range(1797))


def test_without_scikit_learn_the_line_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="pip install scikit-learn"):
        images.scans.__wrapped__()


def test_jpegs_are_files_of_a_photograph_s_size_that_a_seed_decides() -> None:
    files, labels = images.jpegs(4, 64, seed=1)
    assert all(file.startswith(b"\xff\xd8") for file in files)
    assert all(0.1 < len(file) / (64 * 64 * 3) < 0.5 for file in files)
    assert len(set(files)) == 4
    assert set(labels) <= set(range(images.CLASSES))
    assert images.jpegs(4, 64, seed=1)[0] == files
    assert images.jpegs(4, 64, seed=2)[0] != files


def test_jpegs_decode_to_any_resolution() -> None:
    pixels = images.decoded(images.jpegs(2, 64, seed=1)[0], 48)
    assert pixels.shape == (2, 3, 48, 48)
    assert -1 <= pixels.min() < pixels.max() <= 1


def test_without_pillow_the_line_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Unsupported, match="pip install pillow"):
        images.jpegs(1, 8, seed=1)
