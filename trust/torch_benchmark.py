"""torch.utils.benchmark: Timer.blocked_autorange of both sides, shown side by side by its Compare.

It gives no verdict. Two readings of its table are taken for one: with trim_significant_figures the two
numbers as printed differ; with colorize only one side is among the best, which is within 1 % of the faster.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from trust import process
from trust.verdicts import FAILED, FASTER, SLOWER, UNCHANGED, Json, Plant, Verdict

DIGITS, COLOURS = "torch Compare, digits", "torch Compare, colours"

SCRIPT = """\
import contextlib, io, json, sys

from torch.utils.benchmark import Compare, Timer
from trust import workloads

for name, a, b in json.loads(sys.argv[1]):
    both = []
    for side, units in (("A", a), ("B", b)):
        timer = Timer("step()", globals={"step": workloads.build(name, units)}, label=name, description=side)
        both.append(timer.blocked_autorange(min_run_time=float(sys.argv[2])))
    table = Compare(both)
    table.trim_significant_figures()
    table.colorize(rowwise=True)
    medians = [one.median for one in both]
    print(json.dumps({"work": name, "medians": medians, "table": str(table)}), flush=True)
"""

#: Its escape sequence before what is within 1 % of the fastest of the row.
BEST = "\033[92m"
CELL = re.compile(r"((?:\033\[\d+m)*)\s*([\d.]+)")


def measure(plants: Sequence[Plant], seconds: float, folder: Path) -> list[Verdict]:
    """The verdicts: half of `seconds` is for a side."""
    folder.mkdir(parents=True)
    (folder / "work.py").write_text(SCRIPT)
    asked = [(one.work, *one.units) for one in plants]
    timed = max(seconds / 2 - 0.1, 0.1)
    done = process.run(process.python("work.py", json.dumps(asked), f"{timed:.2f}"), folder)
    return read(done.stdout, plants)


def read(output: str, plants: Sequence[Plant]) -> list[Verdict]:
    lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"work"')]
    told = {line["work"]: line for line in lines}
    return [verdict for one in plants for verdict in _verdicts(one, told.get(one.work))]


def _verdicts(plant: Plant, line: Json | None) -> list[Verdict]:
    if line is None:
        return [Verdict(tool, plant.work, FAILED, None, words="no result") for tool in (DIGITS, COLOURS)]
    a, b = line["medians"]
    (first, one), (second, other) = cells(str(line["table"]))
    digits = UNCHANGED if one == other else SLOWER if float(other) > float(one) else FASTER
    best = [BEST in colour for colour in (first, second)]
    colours = UNCHANGED if best[0] == best[1] else SLOWER if best[0] else FASTER
    return [
        Verdict(DIGITS, plant.work, digits, b / a, a, f"{one} and {other}"),
        Verdict(COLOURS, plant.work, colours, b / a, a, f"best: {'A ' * best[0]}{'B' * best[1]}"),
    ]


def cells(table: str) -> list[tuple[str, str]]:
    """The colour and the number of A and of B, from the row of the table that has them."""
    row = next(line for line in table.splitlines() if "step()" in line)
    found = [CELL.search(part) for part in row.split("|")[1:3]]
    return [(one[1], one[2]) for one in found if one]
