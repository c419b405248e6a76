"""Sources as people read them."""

from __future__ import annotations

from harness import claims, sources, targets


def test_a_guide_has_its_name_and_its_number() -> None:
    told = sources.readable("guide:002_a1b17703897aae97.txt; transformers#31372")
    assert told == "CVLab-Kit performance tuning guide (002); transformers#31372"
    assert sources.readable("arXiv 1604.06174") == "arXiv 1604.06174"
    assert sources.readable("guide:007_new.txt") == "a guide (007)"


def test_every_guide_of_the_ledger_has_a_name() -> None:
    told = [one.source for one in (*claims.load(), *targets.load())]
    named = [sources.readable(source) for source in told]
    assert sum("guide:" in source for source in told) > 10
    assert not any("guide:" in source or "a guide (" in source for source in named)
