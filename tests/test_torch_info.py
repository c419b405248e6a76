"""What torch says of itself here, and of a CUDA device that is played."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from harness import torch_info


def test_the_description_is_plain_json_without_paths() -> None:
    found = torch_info.describe("cpu")
    assert json.loads(json.dumps(found)) == found
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["default_dtype"] == "float32"
    assert "cuda" not in found
    assert "/home/" not in json.dumps(found)


def test_a_cuda_device_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(
        name="NVIDIA H200", major=9, minor=0, total_memory=150_000_000_000, multi_processor_count=132
    )
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "get_allocator_backend", lambda: "native")
    found = torch_info.describe("cuda")["cuda"]
    assert json.loads(json.dumps(found)) == found
    assert (found["name"], found["capability"], found["multiprocessors"]) == ("NVIDIA H200", "9.0", 132)


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_cuda_is_the_default_where_it_is(monkeypatch: pytest.MonkeyPatch, there: bool, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert torch_info.default_device() == {"device": device}
