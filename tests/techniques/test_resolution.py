"""A lower resolution is the sources' own; a quarter of the positions, a quarter of the embeddings."""

from __future__ import annotations

import pytest

from harness.benchmark import model
from harness.errors import Unsupported
from harness.memory import HostReader
from harness.technique import technique
from tests.techniques.conftest import tiny

LOWER = technique("resolution").variant("lower").apply


@pytest.mark.parametrize("name", ["resnet", "vit"])
def test_224_pixels_become_128(name: str) -> None:
    made = LOWER(model(name)(phase="train", resolution=224, size="base"))
    assert made.parameters["resolution"] == 128


def test_pixels_are_whole_patches() -> None:
    made = LOWER(model("vit")(phase="infer", resolution=48, patch=8))
    assert made.parameters["resolution"] == 24
    made.build().step()


def test_a_coarser_map_keeps_a_quarter_of_the_embeddings() -> None:
    whole = model("trajectory")(phase="train", size="tiny", spatial=14)
    full, lower = (HostReader().measure(one.build()) for one in (whole, LOWER(whole)))
    assert lower["elements"] * 4 == full["elements"]
    assert lower["trace"][-1] * 4 == pytest.approx(full["trace"][-1], rel=0.01)


def test_text_has_no_resolution() -> None:
    with pytest.raises(Unsupported, match="gpt2 has no resolution"):
        LOWER(tiny("gpt2"))
