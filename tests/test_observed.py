"""What doctor looks at: this machine for real, and the requirements of techniques made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import observed
from harness.technique import Technique, Variant

LACKING = "a-package-nobody-has"


def technique(name: str, *needs: str) -> Technique:
    return Technique(
        name=name,
        says="",
        stage="control",
        baseline="none",
        variants={"none": Variant(), "with": Variant(needs=needs)},
    )


def test_this_machine_can_be_observed(tmp_path: Path) -> None:
    slept: list[float] = []
    found = observed.observe(sleep=slept.append, results=str(tmp_path))
    assert slept == [observed.WATCH]
    assert found.cpu["cores"] >= 1
    assert found.memory_total > 10**8
    assert found.disk_free > 0
    assert found.clock_overhead > 0
    assert found.torch is not None


def test_what_techniques_and_extras_need_is_wanted_with_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "_extras", lambda: iter([("lora", "peft>=0.17")]))
    techniques = [technique("one", "cuda", f"{LACKING}>=1"), technique("two", f"{LACKING}>=1")]
    found = observed.wanted(techniques, cuda=True)
    assert found == {f"{LACKING}>=1": ["one:with", "two:with"], "peft>=0.17": ["extra lora"]}


def test_what_serves_only_cuda_is_not_wanted_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    extras = [("lora", "peft>=0.17"), ("flash", "flash-attn>=2")]
    monkeypatch.setattr(observed, "_extras", lambda: iter(extras))
    techniques = [technique("one", "cuda", "flash-attn>=2"), technique("two", f"{LACKING}>=1")]
    assert observed.wanted(techniques, cuda=False).keys() == {f"{LACKING}>=1", "peft>=0.17"}
    assert "flash-attn>=2" in observed.wanted(techniques, cuda=True)


def test_only_what_is_not_there_is_missing() -> None:
    found = observed.missing(
        {f"{LACKING}>=1": ["one:with"], "pytest>=1": ["two:with"], "pytest>=999": ["three"]}
    )
    assert list(found.values()) == [["one:with"], ["three"]]
    first, second = found
    assert first == f"needs {LACKING}: pip install '{LACKING}>=1'"
    assert second.startswith("needs pytest>=999, found ")


def test_the_projects_extras_are_found_and_those_of_developers_left_out() -> None:
    found = list(observed._extras())
    names = {extra for extra, _ in found}
    assert "lora" in names
    assert not names & observed.FOR_DEVELOPERS
    assert any(need.startswith("peft") for _, need in found)
