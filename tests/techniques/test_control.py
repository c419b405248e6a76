"""The control: nothing changes, to the last bit."""

from __future__ import annotations

import pytest
import torch

from harness.benchmark import discover
from harness.technique import technique
from tests.techniques.conftest import first_step, tiny

CONTROL = technique("control")


@pytest.mark.parametrize("name", ["same", "again"])
def test_neither_changes_anything(name: str) -> None:
    plain = tiny()
    assert CONTROL.variant(name).apply(plain) is plain


def test_the_same_seed_gives_the_same_bits() -> None:
    one, other = first_step(tiny()), first_step(tiny())
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_it_is_measured_with_forked_workers_and_with_fresh_ones() -> None:
    declared = discover()
    ways = {
        name: {v.fresh for v in declared[name].applied.variants.values()}
        for name in ("control", "control-fresh")
    }
    assert ways == {"control": {False}, "control-fresh": {True}}, "like against like in each"
