"""What the compiler learns of the machine lies beside a worker's cache, which stays empty."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch._inductor.cpu_vec_isa as vector

from harness import compiling


@pytest.mark.parametrize("own", [True, False])
def test_it_is_kept_apart_and_the_environment_is_as_before(
    own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "case"
    asked: list[str | None] = []
    monkeypatch.setattr(vector, "pick_vec_isa", lambda: asked.append(os.environ.get(compiling.CACHE)))
    monkeypatch.delenv(compiling.CACHE, raising=False)
    if own:
        monkeypatch.setenv(compiling.CACHE, str(cache))
    before = dict(os.environ)
    compiling.learn_machine()
    assert asked == [str(tmp_path / "machine") if own else None]
    assert dict(os.environ) == before


def test_a_cold_cache_stays_cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing: whatever it builds, none of it is in the cache of the case."""
    monkeypatch.setenv(compiling.CACHE, str(tmp_path / "case"))
    vector.valid_vec_isa_list.cache_clear()
    compiling.learn_machine()
    assert not (tmp_path / "case").exists()
    assert vector.valid_vec_isa_list.cache_info().currsize == 1
