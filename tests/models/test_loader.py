"""The loader: the same samples in the same order whoever loads them, and what holds it up is named."""

from __future__ import annotations

import gc
import os
import signal
import time
from typing import Any

import psutil
import pytest
import torch

from harness import benchmark, equal
from harness.errors import BadInput, Unsupported
from harness.memory import HostReader
from harness.models import _loader_data
from harness.models._loader_job import LoaderJob
from harness.technique import technique
from harness.verdict import CONFIRMED, NOT_MEASURED, SHORT
from harness.workload import Workload
from tests import handmade as hand
from tests.handmade import one


def plain(phase: str = "load", **given: Any) -> Workload:
    return benchmark.model("loader")(phase=phase, **{"size": "tiny", **given})


def job(phase: str = "load", options: dict[str, Any] | None = None, **given: Any) -> LoaderJob:
    made = plain(phase, **given).with_options(**(options or {})).build()
    assert isinstance(made, LoaderJob)
    return made


def children() -> list[int]:
    return [process.pid for process in psutil.Process().children()]


WAYS = [
    (name, variant, phase)
    for name in ("loader-workers", "prefetch", "persistent-workers", "preprocessing", "dataset-cache")
    for phase in technique(name).phases
    for variant, way in technique(name).variants.items()
    if variant in ("workers-2", "prefetch-2", "persistent", "by-batch", "in-memory")
    if way.phases is None or phase in way.phases
]


@pytest.mark.parametrize(("name", "variant", "phase"), WAYS)
def test_every_way_gives_the_same_samples_and_ends_its_processes(name: str, variant: str, phase: str) -> None:
    applied, before = technique(name), children()
    found = []
    for each in (applied.baseline, variant):
        made = applied.variant(each).apply(plain(phase)).build()
        made.step()
        made.step()
        found.append(equal.evidence(made))
        made.close()
    equality = equal.equality(*found, applied.variant(variant).tolerance)
    assert equality["ok"], equality
    assert children() == before


def test_text_is_tokenized_to_one_length() -> None:
    made = job(data="text", samples=3, batch=2, options={"workers": 1})
    made.step()
    found = made.evidence()["output"]
    assert found.shape == (3, 16)
    assert len(found.unique()) > 10


def test_a_data_set_in_memory_is_decoded_once_and_counted() -> None:
    made = job(options={"source": "memory"})
    held = HostReader().measure(made)["dataset"]
    assert held == 8 * (3 * 16 * 16 * 4 + 8)
    made.files.files = [b"no picture"] * 8
    made.step()


def test_persistent_workers_stay_and_others_do_not() -> None:
    seen: dict[bool, list[set[int]]] = {}
    others = {*children()}
    for persistent in (False, True):
        made = job(options={"workers": 1, "persistent": persistent})
        for _ in range(2):
            made.step()
            gc.collect()
            seen.setdefault(persistent, []).append({*children()} - others)
        made.close()
    assert seen[False] == [set(), set()]
    assert seen[True][0] == seen[True][1] != set()


def test_a_worker_dies_with_its_parent() -> None:
    """The parent is killed in the middle of an epoch; nobody is left, and at once."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        made = job(options={"workers": 1, "persistent": True}, transform_ms=1)
        made.step()
        os.write(writer, str(children()[0]).encode())  # a fork has none of its parent's children
        time.sleep(60)
        os._exit(0)
    child = psutil.Process(int(os.read(reader, 20)))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    gone, alive = psutil.wait_procs([child], timeout=3)
    os.close(reader)
    os.close(writer)
    assert (gone, alive) == ([child], [])


@pytest.mark.parametrize("phase", ["load", "train"])
@pytest.mark.parametrize(
    ("given", "named"), [({"transform_ms": 30}, "loading"), ({"compute_ms": 60}, "model")]
)
def test_the_planted_bottleneck_is_named(phase: str, given: dict[str, int], named: str) -> None:
    made = job(phase, consumer="vit", samples=4, **given)
    made.step()
    found = made.figures()
    assert found["bottleneck"] == named
    waiting, computing = (float(found[f"{each} ms/step"]) for each in ("waiting", "computing"))
    assert (waiting > 60 and waiting > computing) if named == "loading" else computing > max(60, waiting)


def test_workers_that_start_slowly_are_not_a_slow_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_loader_data, "end_with_parent", lambda _: time.sleep(1.0))
    found = job(consumer="vit", compute_ms=60, options={"workers": 1}).figures()
    assert float(found["starting ms/epoch"]) >= 1000
    assert float(found["waiting ms/step"]) < 250
    assert found["bottleneck"] == "model"
    assert job(consumer="vit").figures()["starting ms/epoch"] == 0


def test_the_planted_slow_transform_is_named_and_the_fast_ones_are_not() -> None:
    assert job(transform_ms=30).figures()["slow transforms"] == "planted"
    assert "planted" not in str(job(transform_ms=1).figures()["slow transforms"])


@pytest.mark.parametrize("transfer", ["plain", "pinned", "pinned-non-blocking", "by-hand"])
def test_how_a_batch_is_moved(transfer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned, moved = [], []
    to = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: (pinned.append(1), tensor)[1])
    made = job(options={"transfer": transfer})

    def played(tensor: torch.Tensor, *given: Any, **named: Any) -> torch.Tensor:
        moved.append(named.get("non_blocking"))
        return to(tensor, *given)

    monkeypatch.setattr(torch.Tensor, "to", played)
    made._moved({"values": torch.zeros(1), "labels": torch.zeros(1)})
    assert len(pinned) == (2 if transfer == "by-hand" else 0)
    assert moved == [transfer == "pinned-non-blocking"] * 2
    assert made.loader.pin_memory == transfer.startswith("pinned")


def test_more_workers_than_twice_the_cores_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(Unsupported, match="4 workers are more than twice the 1 cores"):
        job(options={"workers": 4})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phase": "infer"}, "no phase of loader 'infer'"),
        ({"data": "sound"}, "data of loader must be one of jpeg, text"),
        ({"phase": "train", "data": "text"}, "data of loader must be jpeg"),
        ({"transform_ms": -1}, "transform_ms and compute_ms of loader must be whole numbers"),
    ],
)
def test_bad_input_is_said_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        plain(**{"phase": "load", **given})


def loaded(steps: dict[str, float], told: dict[str, Any], phase: str = "load", **given: int) -> hand.HandRun:
    cases = hand.group(
        *steps, benchmark="loader-workers", technique="data-loading", model="loader", phase=phase, **given
    )
    times = [{name: step * each for name, step in steps.items()} for each in (0.99, 1.0, 1.01)]
    return hand.run(cases, launches=hand.timed(cases, times, figures=told))


@pytest.mark.parametrize(("fastest", "verdict"), [("workers-2", CONFIRMED), ("workers-8", SHORT)])
def test_the_best_number_of_workers_is_read_against_the_cores(fastest: str, verdict: str) -> None:
    steps = dict.fromkeys(("workers-0", "workers-2", "workers-8"), 2.0) | {fastest: 1.0}
    found = one(loaded(steps, {"cores": 8.0}), "workers.best.002")
    assert found.found is not None
    assert found.found.value.point == int(fastest[-1]) / 8
    assert found.verdict == verdict
    assert ("lies outside" in found.reason) == (verdict == SHORT)


@pytest.mark.parametrize(("named", "agrees"), [("loading", True), ("model", False)])
def test_a_bottleneck_is_judged_only_where_one_was_planted(named: str, agrees: bool) -> None:
    told = {"bottleneck": named, "waiting ms/step": 9.0, "computing ms/step": 1.0}
    steps = {"workers-0": 1.0, "workers-2": 1.0}
    found = one(loaded(steps, told, "train", transform_ms=20), "bottleneck.002")
    assert (found.verdict == CONFIRMED) == agrees
    assert f"planted: loading, named: {named}" in found.reason
    assert one(loaded(steps, told, "train"), "bottleneck.002").verdict == NOT_MEASURED


@pytest.mark.parametrize(
    ("milliseconds", "named", "agrees"),
    [(20, "planted", True), (20, "none", False), (5, "none", True), (5, "decode", False)],
)
def test_a_slow_transform_is_judged_by_its_name(milliseconds: int, named: str, agrees: bool) -> None:
    steps = {"workers-0": 1.0, "workers-2": 1.0}
    run = loaded(steps, {"slow transforms": named}, transform_ms=milliseconds)
    assert (one(run, "slow-transform.002").verdict == CONFIRMED) == agrees
