"""Declarations: grids, what a profile plans on a device, discovery in a folder, and finding by name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import benchmark
from harness.benchmark import PROFILES, Benchmark, chosen, discover, find, grid, models
from harness.errors import BadInput
from harness.record import Case
from harness.technique import Technique, Variant
from harness.workload import Workload

SPEED = Technique(
    name="speed",
    says="",
    stage="control",
    baseline="off",
    measures=("time",),
    variants={
        "fast": Variant(),
        "off": Variant(),
        "graphs": Variant(devices=("cuda",)),
        "slow": Variant(phases=("infer",)),
    },
)


def declared(**given: Any) -> Benchmark:
    fields = {"technique": SPEED, "quick": grid(model="toy", phase="train", width=8)}
    return Benchmark(**{**fields, **given})


def variants(one: Benchmark, device: str = "cpu") -> list[str]:
    (group,) = one.groups("quick", device)
    return [case.variant for case in group]


def test_a_grid_is_every_combination_in_order() -> None:
    assert grid(model="gpt2", layers=[2, 4], length=[8, 16]) == [
        {"model": "gpt2", "layers": 2, "length": 8},
        {"model": "gpt2", "layers": 2, "length": 16},
        {"model": "gpt2", "layers": 4, "length": 8},
        {"model": "gpt2", "layers": 4, "length": 16},
    ]
    assert grid() == [{}]
    assert grid(layers=[]) == []


def test_a_tuple_is_one_value() -> None:
    assert grid(variants=("a", "b")) == [{"variants": ("a", "b")}]


def test_a_group_has_the_baseline_first_wherever_it_stands_among_the_variants() -> None:
    assert variants(declared()) == ["off", "fast"]


def test_a_case_carries_what_a_stored_run_needs() -> None:
    (group,) = declared(name="mine").groups("quick", "cpu")
    assert group[1] == Case(
        benchmark="mine",
        variant="fast",
        baseline="off",
        model="toy",
        phase="train",
        device="cpu",
        parameters={"width": 8},
        technique="speed",
    )


@pytest.mark.parametrize(
    ("given", "device", "expected"),
    [
        ({}, "cuda", ["off", "fast", "graphs"]),
        ({"quick": grid(model="toy", phase="infer")}, "cpu", ["off", "fast", "slow"]),
        ({"variants": ("fast",)}, "cuda", ["off", "fast"]),
        ({"variants": ("graphs",)}, "cpu", ["off"]),
        ({"quick": grid(model="toy", phase="train", variants=("graphs",))}, "cuda", ["off", "graphs"]),
        (
            {"variants": ("fast",), "quick": grid(model="toy", phase="infer", variants=("slow",))},
            "cpu",
            ["off", "slow"],
        ),
    ],
)
def test_variants_are_those_of_the_device_the_phase_the_benchmark_and_the_cell(
    given: dict[str, Any], device: str, expected: list[str]
) -> None:
    assert variants(declared(**given), device) == expected


def test_a_cell_may_be_for_one_device_only_and_its_parameters_do_not_tell() -> None:
    one = declared(
        quick=[
            *grid(device="cpu", model="toy", phase="train"),
            *grid(device="cuda", model="toy", phase="train"),
        ]
    )
    for device in ("cpu", "cuda"):
        (group,) = one.groups("quick", device)
        assert group[0].group == f"speed/toy-train@{device}"


@pytest.mark.parametrize(
    ("grids", "expected"),
    [
        ({}, [1, 1, 1]),
        ({"standard": [{}, {}]}, [1, 2, 2]),
        ({"full": [{}, {}, {}]}, [1, 1, 3]),
        ({"quick": (), "standard": [{}, {}]}, [0, 2, 2]),
    ],
)
def test_a_profile_without_a_grid_has_the_next_smaller_one(
    grids: dict[str, Any], expected: list[int]
) -> None:
    assert [len(declared(**grids).cells(profile)) for profile in PROFILES] == expected


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ({"model": "toy", "phase": "trian"}, "no phase 'trian'; did you mean train"),
        ({"model": "toy", "phase": "serve"}, "speed: speed is for train and infer, not for serve"),
        (
            {"model": "toy", "phase": "train", "variants": ("fats",)},
            "no variant of speed 'fats'; did you mean fast",
        ),
    ],
)
def test_a_wrong_cell_is_refused_when_it_is_planned(cell: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        declared(quick=[cell]).groups("quick", "cpu")


def test_measures_are_the_techniques_own_unless_said() -> None:
    assert declared().kinds() == ("time",)
    assert declared(measures=("quality",)).kinds() == ("quality",)


def test_a_workload_is_made_from_the_case_with_the_technique_applied() -> None:
    made: dict[str, Any] = {}

    def make(**given: Any) -> Workload:
        made.update(given)
        return Workload(model="toy", phase="train", samples=1)

    applied = {"off": Variant(), "on": Variant(apply=lambda workload: workload.with_options(on=True))}
    one = declared(
        make=make, technique=Technique(name="x", says="", stage="control", baseline="off", variants=applied)
    )
    (group,) = one.groups("quick", "cpu")
    assert one.workload(group[1], seed=3).options == {"on": True}
    assert made == {"phase": "train", "device": "cpu", "seed": 3, "width": 8}


HEAD = "from harness.benchmark import Benchmark, grid\n"
ONE = "Benchmark(technique='control', name={!r}, quick=grid(model='gpt2', phase='train'))"


def test_a_folder_of_the_users_is_found_in_file_order(write: Callable[[str, str], Path]) -> None:
    write("b.py", f"{HEAD}BENCHMARK = {ONE.format('second')}")
    write("a.py", f"{HEAD}BENCHMARKS = [{ONE.format('first')}, {ONE.format('other')}]")
    write("_helper.py", "raise ValueError")
    write("notes.txt", "no benchmark")
    folder = write("c.py", "# declares nothing yet").parent
    assert list(discover(folder)) == ["first", "other", "second"]
    assert list(discover(str(folder))) == ["first", "other", "second"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds no benchmark; a file there defines BENCHMARK = Benchmark"),
        (
            {"a.py": "import a_library_that_nobody_has"},
            "a.py does not import: ModuleNotFoundError: No module named",
        ),
        ({"a.py": "BENCHMARK ="}, "a.py does not import: SyntaxError"),
        (
            {
                "a.py": f"{HEAD}BENCHMARK = {ONE.format('one')}",
                "b.py": f"{HEAD}BENCHMARK = {ONE.format('one')}",
            },
            "b.py: the name 'one' is taken; give this BENCHMARK another name=",
        ),
        (
            {"a.py": f"{HEAD}BENCHMARK = Benchmark(technique='contrl', quick=[])"},
            "a.py: no technique 'contrl'; did you mean",
        ),
        ({"a.py": "BENCHMARK = 3"}, "a.py: BENCHMARK is no Benchmark"),
        ({"a.py": "BENCHMARKS = ['control']"}, "BENCHMARKS no list of them"),
    ],
)
def test_a_folder_that_cannot_be_used_is_said_in_one_line(
    files: dict[str, str], says: str, tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    for name, text in files.items():
        write(name, text)
    with pytest.raises(BadInput, match=says) as caught:
        discover(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no folder .*/nowhere; --benchmarks takes a folder"):
        discover(tmp_path / "nowhere")


DECLARED = {
    "speed": declared(),
    "speed-again": declared(name="speed-again"),
    "control": Benchmark(technique="control", quick=grid(model="toy", phase=["train", "generate"])),
    "mixed-precision": Benchmark(
        technique="mixed-precision",
        quick=grid(model="toy", phase=["infer", "train"]),
        full=grid(model="big", phase="train"),
    ),
}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], list(DECLARED)),
        (["speed"], ["speed", "speed-again"]),
        (["speed-again"], ["speed-again"]),
        (["speed-again", "control", "speed-again"], ["speed-again", "control"]),
    ],
)
def test_benchmarks_are_chosen_by_their_name_or_their_techniques(names: list[str], found: list[str]) -> None:
    assert [one.name for one in chosen(names, DECLARED)] == found


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("sped", "no technique or benchmark 'sped'; did you mean speed"),
        ("mixed-precision:bf61", "no variant of mixed-precision 'bf61'; did you mean bf16"),
        ("compile:default+control:again", "no benchmark declares workloads for control:again"),
    ],
)
def test_a_name_that_nobody_declared_is_said(name: str, says: str) -> None:
    declared_ = {"speed": DECLARED["speed"]}
    with pytest.raises(BadInput, match=says):
        chosen([name], declared_)


def test_a_stack_that_nobody_declared_takes_the_workloads_of_its_first_that_it_can_run_on() -> None:
    (one,) = chosen(
        ["mixed-precision:bf16+checkpointing:full"],
        {
            **DECLARED,
            "checkpointing": Benchmark(technique="checkpointing", quick=grid(model="deep", phase="train")),
        },
    )
    assert one.name == "checkpointing:full+mixed-precision:bf16"
    assert [group[0].workload for group in one.groups("quick", "cpu")] == ["deep-train"]
    (alone,) = chosen(["mixed-precision:bf16"], DECLARED)
    assert [group[0].workload for group in alone.groups("quick", "cpu")] == ["toy-infer", "toy-train"]
    assert [group[0].workload for group in alone.groups("full", "cpu")] == ["big-train"]


def ids(one: Benchmark, profile: str = "quick", device: str = "cpu") -> list[str]:
    return [case.id for group in one.groups(profile, device) for case in group]


def test_the_id_of_a_case_asks_for_it_and_its_baseline_alone() -> None:
    (one,) = chosen(["mixed-precision/toy-infer@cpu#bf16"], DECLARED)
    for profile in ("quick", "standard"):
        assert ids(one, profile) == [f"mixed-precision/toy-infer@cpu#{name}" for name in ("fp32", "bf16")]
    assert ids(one, device="cuda") == []
    (both,) = chosen(["mixed-precision/toy-infer@cpu#bf16", "mixed-precision/toy-train@cpu#fp32"], DECLARED)
    assert [name.partition("/")[2] for name in ids(both)] == [
        "toy-infer@cpu#fp32",
        "toy-infer@cpu#bf16",
        "toy-train@cpu#fp32",
    ]
    (whole,) = chosen(["speed-again/toy-train/width=8@cpu#fast", "speed-again"], DECLARED)
    assert whole is DECLARED["speed-again"]


def test_every_declared_case_can_be_asked_for_by_its_id() -> None:
    declared_ = discover()
    for one in declared_.values():
        for name in ids(one)[:3]:
            (found,) = chosen([name], declared_)
            assert name in ids(found)
            assert len(ids(found)) <= 2


@pytest.mark.parametrize("name", ["control/toy-infer@cpu#again", "control/toy-train@cpu#agian"])
def test_a_case_that_nobody_declared_is_said(name: str) -> None:
    with pytest.raises(
        BadInput, match=f"control declares no {name}; its own: python -m harness list control"
    ):
        chosen([name], DECLARED)


def test_a_stored_case_finds_its_benchmark_again_be_it_declared_or_a_stack() -> None:
    assert find("speed-again", DECLARED) is DECLARED["speed-again"]
    assert find("mixed-precision:bf16", DECLARED).applied.baseline == "none"


def test_models_are_found_and_a_wrong_one_is_said() -> None:
    assert {"gpt2", "llama", "bert", "resnet", "vit"} <= set(models())
    assert not any(name.startswith("_") for name in models())
    with pytest.raises(BadInput, match="no model 'gtp2'; did you mean gpt2"):
        benchmark.model("gtp2")


OURS = list(itertools.product(discover().values(), PROFILES, ("cpu", "cuda")))


@pytest.mark.parametrize(("one", "profile", "device"), OURS, ids=lambda value: getattr(value, "name", value))
def test_our_own_declarations_hold_on_every_device(one: Benchmark, profile: str, device: str) -> None:
    """Every cell is a workload that its model can make, under a name of its own."""
    groups = one.groups(profile, device)
    names = [case.id for group in groups for case in group]
    assert len(set(names)) == len(names)
    for group in groups:
        assert len(group) > 1, "a baseline is compared with something"
        assert group[0].is_baseline
        for case in group:
            made = one.workload(case)
            assert (made.model, made.phase, made.device) == (case.model, case.phase, device)
            assert "quality" not in one.kinds() or made.quality
