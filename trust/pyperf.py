"""pyperf: a script of bench_func for each side, then `pyperf compare_to`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from trust import process
from trust.verdicts import FAILED, FASTER, SLOWER, UNCHANGED, Plant, Verdict

NAME = "pyperf compare_to"

SCRIPT = """\
import pyperf

from planted import UNITS
from trust import workloads


def add(cmd, args):
    cmd.extend(["--work", args.work])


runner = pyperf.Runner(add_cmdline_args=add)
runner.argparser.add_argument("--work")
name = runner.parse_args().work
# Built in the workers alone, where it is timed: building may import much.
runner.bench_func(name, workloads.build(name, UNITS[name]) if runner.args.worker else print)
"""

#: Values of a worker.
VALUES = 5
#: What a worker takes to start and to import, s, beside the values.
START = 0.5
LINE = re.compile(r"^- (\w+): ", re.MULTILINE)


def measure(plants: Sequence[Plant], seconds: float, folder: Path) -> list[Verdict]:
    """The verdicts: half of `seconds` is for the workers of a side."""
    count = processes(seconds)
    each = max((seconds / 2 - count * START) / (count * (VALUES + 1)), 0.01)
    for side, name in enumerate("AB"):
        place = folder / name
        place.mkdir(parents=True)
        (place / "planted.py").write_text(f"UNITS = { ({one.work: one.units[side] for one in plants})!r}\n")
        (place / "work.py").write_text(SCRIPT)
        for one in plants:
            _bench(place, folder / f"{name}.json", one.work, each, count)
    command = ["-m", "pyperf", "compare_to", "--group-by-speed", "A.json", "B.json"]
    done = process.run(process.python(*command), folder)
    return read(done.stdout, folder, plants)


def processes(seconds: float) -> int:
    """Workers of a side: at least two, to see how far they differ. Its own choice, 20, would take minutes."""
    return 3 if seconds >= 10 else 2


def _bench(place: Path, out: Path, work: str, each: float, count: int) -> str:
    options = ["-p", str(count), "-n", str(VALUES), "-w", "1", "--min-time", f"{each:.3f}", "--quiet"]
    command = ["work.py", "--work", work, *options, "--append", str(out), "--copy-env"]
    return process.run(process.python(*command), place).stdout


def read(output: str, folder: Path, plants: Sequence[Plant]) -> list[Verdict]:
    """Its words from the lists that compare_to prints; the means, which it rounds there, from its files."""
    said: dict[str, str] = {}
    for heading, listed in _sections(output):
        said.update((work, heading) for work in LINE.findall(listed))
    a, b = (_means(folder / f"{name}.json") for name in "AB")
    found = []
    for one in plants:
        first, second = a.get(one.work), b.get(one.work)
        if not first or not second:
            found.append(Verdict(NAME, one.work, FAILED, None, words="no result"))
            continue
        word = said.get(one.work, UNCHANGED)
        shown = word if one.work in said else "not significant"
        found.append(Verdict(NAME, one.work, word, second / first, first, shown))
    return found


def _sections(output: str) -> list[tuple[str, str]]:
    parts = re.split(r"^(Slower|Faster) \(\d+\):$", output, flags=re.MULTILINE)
    words = {"Slower": SLOWER, "Faster": FASTER}
    return [(words[one], text) for one, text in zip(parts[1::2], parts[2::2], strict=True)]


def _means(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    import pyperf

    suite = pyperf.BenchmarkSuite.load(str(path))
    return {one.get_name(): one.mean() for one in suite.get_benchmarks()}
