"""The ledger as shipped, and what a claims file of one's own is told."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import claims
from harness.errors import BadInput
from harness.figures import FIGURES

Write = Callable[[str, str], Path]

GOOD = """
[[claim]]
id = "mine.speed"
technique = "compile"
says = "it is faster"
source = "our wiki"
metric = "speedup"
phase = "train"
range = [1.1, 1.3]
"""


@pytest.fixture(scope="module")
def ledger() -> dict[str, claims.Claim]:
    return {claim.id: claim for claim in claims.load()}


def test_the_ledger_is_whole(ledger: dict[str, claims.Claim]) -> None:
    assert len(ledger) == 75
    assert Counter(claim.technique for claim in ledger.values()) == {
        "mixed-precision": 8,
        "checkpointing": 3,
        "batch": 5,
        "compile": 5,
        "kernels": 3,
        "quantization": 10,
        "attention": 4,
        "data-loading": 10,
        "caching": 5,
        "loading": 3,
        "streaming": 6,
        "compression": 5,
        "serving": 2,
        "engines": 4,
        "parallel": 2,
    }


def test_each_claim_lies_in_the_file_of_its_technique() -> None:
    for path in claims.LEDGER.glob("*.toml"):
        for table in claims.tables(path, "claim"):
            assert table["technique"] == path.stem, table["id"]


def test_every_figure_named_is_one(ledger: dict[str, claims.Claim]) -> None:
    for claim in ledger.values():
        assert {claim.figure, *claim.also} <= {"", *FIGURES}, claim.id


def test_our_readings_are_published_as_such(ledger: dict[str, claims.Claim]) -> None:
    """Where what is judged is not what the source says in numbers, there are words for it."""
    for claim in ledger.values():
        stated = claims._judged(claim.range, claim.better)
        assert claim.bounds == stated or claim.reads_as, claim.id


def test_the_four_techniques_can_all_be_judged(ledger: dict[str, claims.Claim]) -> None:
    for claim in ledger.values():
        if claim.technique in ("mixed-precision", "checkpointing", "compile", "streaming"):
            assert claim.stem in FIGURES, claim.id
            assert claim.bounds, claim.id


def test_claims_that_deny_each_other_are_joined(ledger: dict[str, claims.Claim]) -> None:
    assert ledger["accumulation.speed.hf"].contradicted_by == ("accumulation.speed.mleng",)
    assert ledger["int8.speed.001"].contradicted_by == ("int8.eager.bnb", "int8.vllm.torchao")
    assert "pytorch#121857" in ledger["fused-adamw.hf14744"].contradicted_by[0]


def test_a_metric_brings_its_direction_and_its_neutral_value(ledger: dict[str, claims.Claim]) -> None:
    assert (ledger["amp.train-speed.001"].better, ledger["amp.train-speed.001"].neutral) == ("higher", 1.0)
    assert (ledger["amp.memory.001"].better, ledger["amp.memory.001"].neutral) == ("higher", 0.0)
    assert (ledger["amp.stability.001"].better, ledger["amp.stability.001"].neutral) == ("lower", None)


def test_a_loss_may_be_a_gain(ledger: dict[str, claims.Claim]) -> None:
    assert ledger["amp.stability.001"].range == (0.0, 0.02)
    assert ledger["amp.stability.001"].bounds == (-math.inf, 0.02)


def test_a_file_of_ones_own_adds_to_the_ledger(write: Write) -> None:
    more = claims.load(extra=[write("mine.toml", GOOD)])
    assert [claim.id for claim in more[75:]] == ["mine.speed"]
    assert more[-1].on == "any"
    assert more[-1].bounds == more[-1].range == (1.1, 1.3)


def test_a_missing_end_is_open(write: Write) -> None:
    mine = claims.load(extra=[write("mine.toml", GOOD.replace("[1.1, 1.3]", "[1.1]"))])[-1]
    assert mine.bounds == (1.1, math.inf)


def test_a_claim_may_contradict_one_of_the_ledger_or_a_source_outside(write: Write) -> None:
    text = GOOD + 'contradicted_by = "compile.train-speed.002, a talk in 2024"\n'
    mine = claims.load(extra=[write("mine.toml", text)])[-1]
    assert mine.contradicted_by == ("compile.train-speed.002", "a talk in 2024")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"speedup"', '"sppedup"', "claim mine.speed: no metric 'sppedup'; did you mean speedup"),
        ("[1.1, 1.3]", "[1.3, 1.1]", "range is reversed: 1.3 is above 1.1; write [1.1, 1.3]"),
        ("[1.1, 1.3]", '"1.1 to 1.3"', "range must be two numbers, such as [1.5, 2.0]"),
        ("[1.1, 1.3]", "[1.1, true]", "range must be a number and not True"),
        ("[1.1, 1.3]", "[-inf, inf]", "range excludes nothing"),
        ("[1.1, 1.3]", "[nan, 2.0]", "range must be a number"),
        ("range = [1.1, 1.3]", "", "speedup needs a range"),
        ('"train"', '"training"', "no phase 'training'; did you mean train"),
        ('"mine.speed"', '"My Speed"', "an id is words in small letters"),
        ('id = "mine.speed"', "", "claim number 1: has no id"),
        ('says = "it is faster"', 'says = ""', "has no says"),
        ("range", "rnage", "no key 'rnage'; did you mean range"),
        ("range", 'on = "gpu"\nrange', "no on 'gpu'"),
        ("range", 'contradicted_by = ["compile.grow.002"]\nrange', "did you mean compile.grows.002"),
        ("range", 'where = "adapt"\nrange', "where must be a table"),
        ("range", "also = { memory_saving = [2, 1] }\nrange", "also.memory_saving is reversed"),
        ("range", "figure = 3\nrange", "figure must be text"),
        ("range", 'neutral = "one"\nrange', "neutral must be a number"),
        ("[[claim]]", "[claim]", "write each claim as a table of its own, [[claim]]"),
        ("[[claim]]", "[[claim", "is not TOML"),
        ("[[claim]]", "[[claims]]", "holds no [[claim]]"),
        ('"mine.speed"', '"compile.grows.002"', "claim compile.grows.002 is already in"),
    ],
)
def test_bad_input_is_said_in_one_line(write: Write, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = write("mine.toml", GOOD.replace(old, new, 1))
    with pytest.raises(BadInput) as error:
        claims.load(extra=[path])
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(BadInput, match=r"cannot read nowhere\.toml: No such file"):
        claims.load(extra=["nowhere.toml"])
