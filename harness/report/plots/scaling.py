"""How memory grows with depth, length or batch size, with the fitted exponent beside each line."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from harness import stats
from harness.record import WRONG_RESULT, Json
from harness.report.plots import style
from harness.rows import CaseSummary

SCALES = {"layers": "depth (layers)", "length": "sequence length (tokens)", "batch": "batch size (samples)"}
MARKS = "osD^v"
Curve = tuple[list[float], list[float]]


def scaling(rows: Sequence[CaseSummary], info: Json) -> Figure | None:
    """Along the first scale that three cases differ in alone; None if there is none."""
    for scale, says in SCALES.items():
        curves = _curves(rows, scale)
        if curves:
            return _drawn(curves, says, info)
    return None


def _curves(rows: Sequence[CaseSummary], scale: str) -> dict[str, Curve]:
    """For each variant of the first family the scale and the bytes of activations."""
    families: dict[object, dict[str, dict[float, float]]] = {}
    for row in rows:
        value = row.case.parameters.get(scale)
        if not isinstance(value, (int, float)) or row.outcome == WRONG_RESULT or row.memory is None:
            continue
        others = tuple((key, str(one)) for key, one in row.case.parameters.items() if key != scale)
        family = families.setdefault((row.case.benchmark, row.case.workload, others), {})
        if row.memory.activations.point > 0:
            family.setdefault(row.case.variant, {})[float(value)] = row.memory.activations.point
    for family in families.values():
        curves = {name: found for name, found in family.items() if len(found) >= 3}
        if curves:
            return {
                name: (sorted(found), [found[x] for x in sorted(found)]) for name, found in curves.items()
            }
    return {}


def _drawn(curves: dict[str, Curve], says: str, info: Json) -> Figure:
    with style.sheet(3.7, f"Memory of a step's activations over {says.split(' (')[0]}", info) as figure:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        ordered = sorted(curves.items(), key=lambda item: -item[1][1][-1])
        for (name, (x, y)), mark in zip(ordered, MARKS, strict=False):
            label = f"{name}: exponent {stats.exponent(x, y).point:.2f}"
            axes.plot(x, [one / 1e6 for one in y], marker=mark, markersize=5, linewidth=1.2, label=label)
        first = ordered[0][1][0]
        axes.set_xticks(first)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(f"{says}, log scale")
        axes.set_ylabel("activations (MB, log scale)")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=7.5, frameon=False)
    return figure
