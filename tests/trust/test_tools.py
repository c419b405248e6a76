"""Every tool, really run on a step four times as long and on one that is the same; what they print, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from trust import process, tools
from trust.asv import ROW
from trust.pyperf import _sections
from trust.pytest_benchmark import REGRESSED
from trust.torch_benchmark import read
from trust.verdicts import FAILED, SLOWER, UNCHANGED, Plant, Verdict

PLANT = Plant("split", 3.0)
pytestmark = pytest.mark.timeout(600)  # On a busy machine; on an idle one each takes seconds.


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in process.environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("tool", ["asv", "pytest-benchmark", "pyperf", "torch"])
def test_it_calls_four_times_as_long_slower_and_has_its_ratio(tool: str, tmp_path: Path) -> None:
    for one in tools.TOOLS[tool]([PLANT], 6.0, tmp_path / "work"):
        assert one.tool in tools.ROWS
        assert one.said == SLOWER, one
        assert_its_ratio(one)


def test_ours_has_its_ratio_too(tmp_path: Path) -> None:
    """That it says slower is tested where `compare` is; a busy machine may leave it too few launches."""
    (one,) = tools.TOOLS["claimbench"]([PLANT], 20.0, tmp_path / "work")
    assert one.said in (SLOWER, UNCHANGED), one
    assert_its_ratio(one)


def assert_its_ratio(one: Verdict) -> None:
    assert one.ratio is not None
    assert one.level is not None
    assert 1.5 < one.ratio < 10, one
    assert 1e-6 < one.level < 1e-2, one


def test_asv_table() -> None:
    """As printed by asv 0.6.6."""
    printed = """\
| Change   | Before [aaaaaaaa] <main~1>   | After [bbbbbbbb] <main>   | Ratio   | Benchmark (Parameter)     |
|----------|------------------------------|---------------------------|---------|---------------------------|
| +        | 190±2μs                      | 230±3μs                   | 1.21    | work.W_sort.time_step     |
| -        | 40.1±0.1μs                   | 30.1±0.2μs                | 0.75    | work.W_split.time_step    |
|          | 2.01±0.1μs                   | 2.03±0.1μs                | 1.01    | work.W_lookup.time_step   |
| !        | 2.01±0.1μs                   | failed                    | n/a     | work.W_regex.time_step    |
"""
    assert [(mark.strip(), work) for mark, work in ROW.findall(printed)] == [
        ("+", "sort"),
        ("-", "split"),
        ("", "lookup"),
        ("!", "regex"),
    ]


def test_pytest_benchmark_lines() -> None:
    printed = """\
Performance has regressed:
\ttest_step[sort] (0001_A) - Field 'median' has failed PercentageRegressionCheck: 29.636827565 > 5.000000000
\ttest_step[sort] (0001_A) - Field 'min' has failed PercentageRegressionCheck: 7.913652881 > 5.000000000
"""
    assert [(work, field) for work, field, _ in REGRESSED.findall(printed)] == [
        ("sort", "median"),
        ("sort", "min"),
    ]


def test_pyperf_lists() -> None:
    printed = """\
Slower (1):
- sort: 190 us +- 3 us -> 230 us +- 5 us: 1.21x slower

Faster (1):
- split: 40.0 us +- 0.1 us -> 30.0 us +- 0.1 us: 1.33x faster

Benchmark hidden because not significant (1): lookup
"""
    (slower, listed), (faster, _) = _sections(printed)
    assert (slower, faster) == ("slower", "faster")
    assert "- sort: " in listed


def test_what_torch_did_not_reach_has_failed() -> None:
    """Nothing is taken from output that ends before its line."""
    assert {one.said for one in read("Killed\n", [Plant("sort", 0.0)])} == {FAILED}


def test_ours_is_unchanged_where_it_cannot_tell() -> None:
    from trust.ours import WORDS

    assert WORDS["unclear"] == UNCHANGED


def test_a_process_that_hangs_is_ended(tmp_path: Path) -> None:
    done = process.run(process.python("-c", "import time; time.sleep(60)"), tmp_path, limit=1)
    assert done.returncode == -9
