"""torch.compile: what it is asked for and where; that generated code is exact, and nothing of it is left."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
import torch

from harness import equal
from harness.technique import technique
from harness.techniques.compile import compiler
from tests.techniques.conftest import first_step, tiny

COMPILE = technique("compile")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("default", {}),
        ("reduce-overhead", {"mode": "reduce-overhead"}),
        ("max-autotune", {"mode": "max-autotune"}),
        ("dynamic", {"dynamic": True}),
    ],
)
def test_what_torch_is_asked_for(name: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(torch, "compile", lambda model, **given: asked.append(given) or model)
    COMPILE.variant(name).apply(tiny()).build().close()
    assert asked == [options]


def test_the_baseline_is_the_workload_itself() -> None:
    plain = tiny()
    assert COMPILE.variant("eager").apply(plain) is plain


def test_graphs_are_planned_on_cuda_only_and_every_compiled_variant_says_that_it_compiles() -> None:
    assert [name for name, one in COMPILE.variants.items() if one.devices == ("cuda",)] == ["reduce-overhead"]
    assert [name for name, one in COMPILE.variants.items() if not one.compiles] == ["eager"]


def test_generated_code_trains_as_eager_code_does_under_the_names_of_the_plain_model() -> None:
    """The real thing once, forward and backward; the contract has the other variants."""
    expected = first_step(tiny())
    found = first_step(COMPILE.variant("default").apply(tiny()))
    assert found.keys() == expected.keys()
    judged = equal.equality(expected, found, 1e-5)
    assert judged["ok"], judged


def test_the_first_step_compiles_and_the_second_does_not() -> None:
    counted = torch._dynamo.utils.counters["stats"]
    job = COMPILE.variant("default").apply(tiny(phase="infer")).build()
    graphs = []
    for _ in range(2):
        before = counted["unique_graphs"]
        job.step()
        graphs.append(counted["unique_graphs"] - before)
    job.close()
    assert graphs == [1, 0], "one graph: nothing in the model breaks it"


def test_closing_forgets_the_code_and_ends_the_compilers_processes() -> None:
    before = {process.pid for process in psutil.Process().children()}
    with compiler():
        function = torch.compile(lambda x: x.sin() + 1)
        function(torch.ones(3))
        assert torch._dynamo.eval_frame.cached_backends
    assert not torch._dynamo.eval_frame.cached_backends
    assert {process.pid for process in psutil.Process().children()} <= before


def test_code_is_forgotten_after_an_error_too() -> None:
    def step() -> None:
        with compiler():
            torch.compile(lambda x: x.cos() + 1)(torch.ones(3))
            raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        step()
    assert not torch._dynamo.eval_frame.cached_backends


def test_the_whole_stack_of_the_declared_benchmark() -> None:
    """Mixed precision in checkpointed layers in generated code: the real compiler, once."""
    both = technique("mixed-precision:bf16+checkpointing:full+compile:default")
    variant = both.variant(both.name)
    judged = equal.equality(
        first_step(tiny()), first_step(variant.apply(tiny())), variant.tolerance, variant.gradients
    )
    assert judged["ok"], judged
