"""Techniques and stacks of them: order, clashes, what a stack takes from its parts, what is lacking."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import technique as module
from harness.benchmark import Benchmark, chosen, grid
from harness.errors import BadInput
from harness.technique import STAGES, Technique, Variant, stack, technique, techniques
from harness.workload import Workload

PLAIN = Workload(model="toy", phase="train", samples=1)


def noted(name: str) -> Callable[[Workload], Workload]:
    """Writes its name behind those already there."""
    return lambda workload: workload.with_options(order=(*workload.options.get("order", ()), name))


def made(name: str, stage: str, **variant: object) -> Technique:
    return Technique(
        name=name,
        says=name,
        stage=stage,
        baseline="off",
        variants={"off": Variant(), "on": Variant(apply=noted(name), **variant)},  # type: ignore[arg-type]
    )


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> dict[str, Technique]:
    """The techniques that there are, in place of those of the suite."""
    found = {
        "amp": made("amp", "precision", tolerance=0.1, gradients=0.5),
        "graphs": made("graphs", "compile", needs=("cuda",), compiles=True, own_work=True, tolerance=0.01),
        "ckpt": made(
            "ckpt", "checkpointing", needs=("peft>=0.1",), phases=("train",), devices=("cuda", "cpu")
        ),
        "other-ckpt": made("other-ckpt", "checkpointing"),
        "lora": made("lora", "adapter", fresh=True, devices=("cuda",), phases=("train", "infer")),
    }
    monkeypatch.setattr(module, "techniques", lambda: found)
    return found


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("spelling", ["graphs:on+amp:on+ckpt:on", "ckpt:on+amp:on+graphs:on"])
def test_a_stack_is_applied_in_the_order_of_stages_however_it_is_written(spelling: str) -> None:
    found = technique(spelling)
    assert found.name == "ckpt:on+amp:on+graphs:on"
    assert found.variant(found.name).apply(PLAIN).options["order"] == ("ckpt", "amp", "graphs")


@pytest.mark.usefixtures("folder")
def test_a_stack_has_each_of_its_parts_alone_beside_the_whole() -> None:
    found = stack("amp:on+ckpt:on")
    assert list(found.variants) == ["none", "ckpt:on", "amp:on", "ckpt:on+amp:on"]
    assert found.baseline == "none"
    assert found.variant("none").apply(PLAIN) is PLAIN
    assert found.variant("amp:on").apply(PLAIN).options["order"] == ("amp",)


@pytest.mark.usefixtures("folder")
def test_a_stack_of_one_is_that_variant_against_nothing() -> None:
    found = technique("amp:on")
    assert list(found.variants) == ["none", "amp:on"]
    assert found.variant("amp:on").apply(PLAIN).options["order"] == ("amp",)


@pytest.mark.usefixtures("folder")
def test_the_whole_needs_what_its_parts_need_and_errs_by_as_much_as_all_of_them() -> None:
    found = stack("amp:on+ckpt:on+graphs:on")
    whole = found.variant(found.name)
    assert whole.needs == ("peft>=0.1", "cuda")
    assert whole.tolerance == pytest.approx(0.1 + 1e-4 + 0.01)
    assert whole.gradients == pytest.approx(0.5 + 1e-4 + 0.01)
    assert whole.compiles
    assert whole.own_work
    assert not whole.fresh


@pytest.mark.usefixtures("folder")
def test_the_whole_is_where_all_of_its_parts_are() -> None:
    found = stack("ckpt:on+lora:on+amp:on")
    whole = found.variant(found.name)
    assert (whole.phases, whole.devices, whole.fresh) == (("train",), ("cuda",), True)
    assert stack("amp:on+graphs:on").variant("amp:on+graphs:on").phases is None


def test_a_stack_is_for_the_phases_of_all_of_its_parts(folder: dict[str, Technique]) -> None:
    folder["short"] = Technique(
        name="short",
        says="",
        stage="memory-format",
        baseline="off",
        variants={"off": Variant()},
        phases=("infer",),
    )
    assert stack("amp:on+short:off").phases == ("infer",)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("spelling", "says"),
    [
        ("ckpt:on+other-ckpt:on", "ckpt and other-ckpt both set the checkpointing; choose one of them"),
        ("amp:on+amp:off", "amp and amp both set the precision"),
        ("amq:on+ckpt:on", "no technique 'amq'; did you mean amp"),
        ("amp:of+ckpt:on", "no variant of amp 'of'; did you mean off"),
        ("amp+ckpt:on", "which amp[?] amp:off or amp:on"),
        ("amp:on+", "no technique ''; there are: "),
        ("ckp", "no technique 'ckp'; did you mean ckpt"),
    ],
)
def test_what_cannot_be_stacked_is_said_in_one_line(spelling: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        technique(spelling)
    assert "\n" not in str(caught.value)


def test_the_order_of_stages_puts_the_compiler_last_and_changes_of_the_model_before_its_wrapping() -> None:
    assert STAGES[-1] == "compile"
    assert STAGES.index("adapter") < STAGES.index("checkpointing") < STAGES.index("precision")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stage": "percision"}, "no stage 'percision'; did you mean precision"),
        ({"baseline": "of"}, "baseline of amp"),
    ],
)
def test_a_technique_that_is_declared_wrongly_is_refused(change: dict[str, str], says: str) -> None:
    fields = {
        "name": "amp",
        "says": "",
        "stage": "precision",
        "baseline": "off",
        "variants": {"off": Variant()},
    }
    with pytest.raises(BadInput, match=says):
        Technique(**{**fields, **change})  # type: ignore[arg-type]


def test_every_file_in_the_folder_is_a_technique_under_its_own_name() -> None:
    assert {"mixed-precision", "checkpointing", "compile", "control", "streaming"} <= techniques().keys()
    assert all(name == one.name for name, one in techniques().items())


def test_claims_may_speak_of_several_techniques_together() -> None:
    keys = replace(made("keys", "control"), family="caching")
    assert (made("keys", "control").claimed_as, keys.claimed_as) == ("keys", "caching")
    declared = {"keys": Benchmark(technique=keys, quick=grid(model="toy", phase="train"))}
    cases = [case for group in declared["keys"].groups("quick", "cpu") for case in group]
    assert {case.technique for case in cases} == {"caching"}
    assert chosen(["caching"], declared) == chosen(["keys"], declared) == [*declared.values()]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def (", "harness/techniques/mine.py does not import: SyntaxError"),
        ("x = 1", "harness/techniques/mine.py holds no TECHNIQUE"),
        (
            "from harness.technique import Technique\n"
            "TECHNIQUE = Technique(name='mine', says='', stage='contrl', baseline='a', variants={})",
            "harness/techniques/mine.py: no stage 'contrl'; did you mean control",
        ),
        ("from harness.techniques.control import TECHNIQUE", "mine.py: the name 'control' is taken"),
    ],
)
def test_a_slip_in_a_techniques_file_names_that_file(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(text)
    import harness.techniques

    monkeypatch.setattr(harness.techniques, "__path__", [*harness.techniques.__path__, str(tmp_path)])
    with pytest.raises(BadInput) as caught:
        techniques.__wrapped__()
    sys.modules.pop("harness.techniques.mine", None)
    assert says in str(caught.value)
