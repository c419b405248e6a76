"""Loading: the same model whichever way, nothing left behind, and memory that is really the process's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from harness import benchmark, equal
from harness.errors import BadInput
from harness.memory import HostReader
from harness.models import _load_job
from harness.models._load_job import LoadJob
from harness.technique import technique
from harness.verdict import CONFIRMED, NOT_MEASURED, SHORT
from harness.workload import Workload
from tests import handmade as hand
from tests.handmade import one

LOADING = technique("loading")
WAYS = tuple(LOADING.variants)
#: 13 MB, so that pages of a few kilobytes do not count.
LARGER = {"size": "small", "width": 256, "vocab": 1024}


def plain(**given: Any) -> Workload:
    return benchmark.model("gpt2")(phase="load", **{"size": "tiny", **given})


def job(way: str, **given: Any) -> LoadJob:
    built = LOADING.variant(way).apply(plain(**given)).build()
    assert isinstance(built, LoadJob)
    return built


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_weights_that_were_written(way: str) -> None:
    made, other = job(way, seed=3), job("built", seed=4)
    made.step(), other.step()
    expected = _load_job.seeded(list(made._empty().named_parameters()), seed=3)
    found = dict(made.model.named_parameters())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name].detach(), expected[name]) for name in expected)
    assert made.model.lm_head.weight is made.model.transformer.wte.weight, "tied, as they were"
    assert not torch.equal(equal.evidence(made)["output"], equal.evidence(other)["output"])


@pytest.mark.parametrize("way", WAYS)
def test_the_answers_are_those_of_the_baseline(way: str) -> None:
    results = []
    for each in ("built", way):
        made = job(each)
        made.step()
        results.append(equal.evidence(made))
        made.close()
    found = equal.equality(*results, tolerance=1e-6)
    assert found["ok"], found


@pytest.mark.parametrize("way", WAYS)
def test_the_files_go_with_the_job_and_nothing_is_printed(
    way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    made = job(way)
    folder = made._folder
    assert list(folder.iterdir())
    made.step(), made.step()
    made.close()
    assert not folder.exists()
    assert capfd.readouterr() == ("", "")


def test_files_of_a_job_that_cannot_be_built_go_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []

    def refused(folder: Any, *_: Any) -> None:
        folders.append(folder)
        raise OSError("No space left on device")

    monkeypatch.setattr(_load_job, "write_whole", refused)
    with pytest.raises(OSError, match="No space"):
        job("built")
    assert not folders[0].exists()


def test_shards_are_about_equal_and_hold_each_weight_once() -> None:
    made = job("shards", **LARGER)
    index = json.loads((made._folder / "model.safetensors.index.json").read_text())
    names = [name for name, _ in made._empty().named_parameters()]
    assert list(index["weight_map"]) == names
    sizes = [_load_job.sum_bytes(shard) for shard in made._shards]
    assert index["metadata"]["total_size"] == sum(sizes)
    assert len(sizes) in (4, 5)
    assert max(sizes) < 0.3 * sum(sizes)


def test_a_weight_that_no_file_holds_is_named() -> None:
    made = job("meta-shards")
    made._shards.append([])
    first = _load_job.shard_name(0, len(made._shards) - 1)
    for number in range(len(made._shards)):  # Each of them is the first.
        name = _load_job.shard_name(number, len(made._shards))
        (made._folder / name).write_bytes((made._folder / first).read_bytes())
    with pytest.raises(RuntimeError, match="no file holds transformer"):
        made.step()


def test_for_a_gpu_the_model_is_built_on_the_host_as_the_plain_way_does() -> None:
    """Where it is loaded onto the device is the job's to say; here there is none to build it on."""
    make = plain(device="cuda").make_model
    assert make
    assert {weight.device.type for weight in make().parameters()} == {"cpu"}


def test_shards_that_are_taken_over_are_read_straight_onto_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import safetensors.torch

    read = safetensors.torch.load_file
    onto = []

    def played(path: Any, device: str) -> dict[str, torch.Tensor]:
        onto.append(device)
        return read(path)

    for way, device in (("meta-shards", "cuda"), ("shards", "cpu")):
        made = job(way)
        onto.clear()
        monkeypatch.setattr(safetensors.torch, "load_file", played)
        monkeypatch.setattr(torch.nn.Module, "to", lambda model, *_: model)
        made.workload = replace(made.workload, device="cuda")
        made._load()
        monkeypatch.undo()
        assert onto == [device] * len(made._shards)


@pytest.mark.parametrize(
    ("way", "copies", "mapped"),
    [("built", 2.0, 0), ("meta", 1.0, 0), ("meta-shards", 1.0, 1), ("from-pretrained", 1.0, 1)],
)
def test_copies_are_counted_by_the_machine(way: str, copies: float, mapped: float) -> None:
    """Of a process with other memory of its own, in which earlier loads have left pages behind."""
    made = job(way, **LARGER)
    for _ in range(3):
        made.step()
    found = made.figures()
    assert found["copies at the peak"] == pytest.approx(copies, abs=0.2)
    assert found["mapped share"] == pytest.approx(mapped, abs=0.05)


def test_shards_that_are_copied_hold_the_model_and_one_of_them() -> None:
    made = job("shards", **LARGER)
    made.step()
    found = made.figures()
    assert 1.1 < found["copies at the peak"] < 1.2 * (1 + found["largest shard share"])  # type: ignore[operator]


@pytest.mark.parametrize(("way", "copies"), [("built", 2), ("meta", 1), ("meta-shards", 1)])
def test_the_allocator_says_the_same_and_counts_a_mapped_file_once(way: str, copies: int) -> None:
    made = job(way, **LARGER)
    made.step()
    found = HostReader().measure(made)
    assert found["peak"] / found["weights"] == pytest.approx(copies, abs=0.15)


def test_a_machine_that_does_not_tell_gives_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    made = job("meta")
    made.step()
    monkeypatch.setattr(_load_job, "CLEAR", _load_job.Path("/proc/self/nothing/here"))
    assert made.figures() == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [({"task": "converge"}, "task of gpt2 must be one of step"), ({"new": 3}, "no parameter of gpt2 'new'")],
)
def test_bad_input_is_said_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        plain(**given)


def told(copies: dict[str, float], mapped: float = 0.0) -> hand.HandRun:
    cases = hand.group(*copies, benchmark="loading", model="gpt2", phase="load")
    launches = hand.timed(cases, [dict.fromkeys(copies, 1.0)])
    for record, value in zip(launches[0]["records"], copies.values(), strict=True):
        record["figures"] = {"mapped share": mapped, "largest shard share": 0.25}
        if value:
            record["figures"]["copies at the peak"] = value
    return hand.run(cases, launches=launches)


@pytest.mark.parametrize(
    ("claim", "variant", "copies", "verdict"),
    [
        ("loading.two-copies.hf", "built", 2.0, CONFIRMED),
        ("loading.two-copies.hf", "built", 1.2, SHORT),
        ("loading.shards.hf", "shards", 1.3, CONFIRMED),
        ("loading.shards.hf", "shards", 1.5, SHORT),
        ("loading.one-copy.hf", "meta", 1.05, CONFIRMED),
        ("loading.one-copy.hf", "meta", 1.3, SHORT),
        ("loading.one-copy.hf", "meta", 0.0, NOT_MEASURED),
    ],
)
def test_copies_are_held_against_what_is_claimed(
    claim: str, variant: str, copies: float, verdict: str
) -> None:
    found = one(told({"built": 2.0} | {variant: copies}), claim)
    assert found.verdict == verdict, found.reason


def test_mapped_files_are_told_beside_the_copies() -> None:
    found = one(told({"built": 2.0, "meta": 1.0}, mapped=0.99), "loading.one-copy.hf")
    assert "99 % of the weights are mapped files" in found.reason
