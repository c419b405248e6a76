"""What a calibration found, from its launches; and the line about it that stands beside later verdicts.

Stored as ``results/<machine>/calibrations/<run>/calibration.json``, beside the launches it comes from::

    {"schema": 1, "started", "finished", "profile", "budget" [s], "device", "machine": the fingerprint,
     "comparisons": [{"planted": per cent, "verdict", "alarm", "first": [log ratios], "again": [...]}, ...],
     "same": {"n", "alarms", "false_alarms", "at_most", "misses", "pooled": {"n", "false_alarms", "at_most"}},
     "planted": {"5": {"n", "found", "at_least", "read": interval}, ...},
     "finds": {"change": relative, "power", "launches", "half_width"},
     "bias": {"same": interval, "clock": interval or null},
     "noise": {"launches", "levels", "drift", "spikes", "load_of_others"}}

Every comparison has launches of its own, from warm processes of its own, so comparisons are independent.
Bounds of shares are one-sided, 95 %. Torch-free.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from harness import compare, machine, significance, stats, store, units
from harness.changes import View
from harness.errors import BadInput
from harness.record import Case, Json
from harness.stats import Interval

SCHEMA = 1
FILE = "calibration.json"
FOLDER = "calibrations"
#: Days after which a calibration says too little of the machine as it is.
OLD = 30
#: A step this much longer than its block's median is a spike.
SPIKE = 1.25
#: With this probability a change of the size that is told is found.
POWER = 0.95
MEND = "python -m harness calibrate"


def derive(run: View, again: int) -> Json:
    """All but what it was made by: from the launches of `run`; `again` is how many a second look has."""
    comparisons = [_compared(*pair) for pair in _effects(run)]
    same = [one for one in comparisons if not one["planted"]]
    return {
        "comparisons": comparisons,
        "same": _same(same),
        "planted": _planted(comparisons),
        "finds": _finds(same, again),
        "bias": {"same": _interval([fmean(one["first"]) for one in same]), "clock": _clock(run)},
        "noise": {"launches": _deviation(_firsts(same)), **_noise(run)},
    }


def _effects(run: View) -> list[tuple[int, compare.Effects]]:
    found = compare.effects(run)
    plan = [Case.from_json(group[0]) for group in run.info["plan"]["groups"]]
    return [(int(case.parameters["planted"]), found[case.group]) for case in plan if case.group in found]


def _compared(planted: int, one: compare.Effects) -> Json:
    """A comparison judged by itself, as if it were the only one: the hardest case for false alarms."""
    change = compare.judged({"": one}, "time")[""]
    return {
        "planted": planted,
        "verdict": change.verdict,
        "alarm": bool(compare.alarms({"": one})),
        "first": list(one.first),
        "again": list(one.again),
    }


def _same(same: Sequence[Json]) -> Json:
    n, false = len(same), sum(one["verdict"] in ("slower", "faster") for one in same)
    intervals = [stats.ratio(one["first"]) for one in same if one["first"]]
    return {
        "n": n,
        "alarms": sum(one["alarm"] for one in same),
        "false_alarms": false,
        "at_most": significance.at_most(false, n),
        "misses": sum(not one.low <= 1 <= one.high for one in intervals),
    }


def _planted(comparisons: Sequence[Json]) -> Json:
    found: Json = {}
    for extra in sorted({one["planted"] for one in comparisons} - {0}):
        these = [one for one in comparisons if one["planted"] == extra]
        right = sum(one["verdict"] == "slower" for one in these)
        read = [fmean(one["first"] + one["again"]) for one in these]
        told = {"n": len(these), "found": right, "at_least": significance.at_least(right, len(these))}
        found[str(extra)] = {**told, "read": _interval(read)}
    return found


def _finds(same: Sequence[Json], again: int) -> Json:
    """The smallest change that a comparison as these finds; none under what counts as the same."""
    if not same:
        return {"change": None, "power": POWER, "launches": 0, "half_width": None}
    launches = round(median(len(one["first"]) for one in same))
    effect = significance.detectable(_deviation(_firsts(same)) or 0.0, launches, again, POWER)
    widths = [stats.ratio(one["first"]).half_width for one in same if one["first"]]
    return {
        "change": _finite(max(math.expm1(min(effect, 700)), compare.SAME)),
        "power": POWER,
        "launches": launches,
        "half_width": _finite(median(widths)) if widths else None,
    }


def _firsts(same: Iterable[Json]) -> list[float]:
    return [effect for one in same for effect in one["first"]]


def _deviation(values: Sequence[float]) -> float | None:
    return stdev(values) if len(values) > 1 else None


def _interval(logs: Sequence[float]) -> Json | None:
    """Of the ratio whose logs these are, one of each comparison or launch."""
    if not logs:
        return None
    found = stats.ratio(logs)
    return {"point": found.point, "low": found.low, "high": _finite(found.high), "n": found.n}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _clock(run: View) -> Json | None:
    """Our clock against a bare loop, as the measured processes told it; one number of each launch."""
    told = []
    for launch in run.launches:
        here = [one["figures"]["clock over bare loop"] for one in launch["records"] if one.get("figures")]
        if here:
            told.append(fmean(map(math.log, here)))
    return _interval(told)


def _noise(run: View) -> Json:
    """Of the steps of side A: how launches differ, the drift within one, spikes, and who else was there."""
    lanes = [launch["records"][0] for launch in run.launches if launch["records"][0].get("blocks")]
    levels = [math.log(median(map(median, lane["blocks"]))) for lane in lanes]
    drifts = [abs(_drift(lane)) for lane in lanes if len(lane["blocks"]) > 2]
    spikes = [step > SPIKE * median(block) for lane in lanes for block in lane["blocks"] for step in block]
    loads = [one["conditions"].get("load_of_others") for one in run.launches]
    known = [load for load in loads if load is not None]
    return {
        "levels": _deviation(levels),
        "drift": median(drifts) if drifts else None,
        "spikes": fmean(spikes) if spikes else None,
        "load_of_others": median(known) if known else None,
    }


def _drift(lane: Json) -> float:
    """The change of log step time from the first visit of a launch to its last."""
    visits: list[int] = lane["visits"]
    slope = stats.slope(visits, [math.log(median(block)) for block in lane["blocks"]])
    return slope.point * (visits[-1] - visits[0])


def pooled(new: Json, before: Iterable[Json]) -> Json:
    """False alarms of `new` and of calibrations of the last OLD days of the same machine and profile."""
    like = [one for one in before if one["profile"] == new["profile"] and not outdated(one, new)]
    n, false = (sum(one["same"][key] for one in (new, *like)) for key in ("n", "false_alarms"))
    return {"n": n, "false_alarms": false, "at_most": significance.at_most(false, n)}


def outdated(calibration: Json, run: Mapping[str, Any]) -> str:
    """Why it does not speak for `run`, which has ``started`` and ``machine``; nothing if it does."""
    told = machine.unlike(calibration["machine"], run.get("machine", {}))
    if told:
        return f"not of the machine as it is, {machine.in_short(told)}; anew: {MEND}"
    days = abs(_days(calibration, run))
    return f"{days:.0f} days away, which is too old; {MEND}" if days > OLD else ""


def _days(calibration: Json, run: Mapping[str, Any]) -> float:
    first, second = (_when(str(one["started"])) for one in (calibration, run))
    return (second - first).total_seconds() / 86400


def _when(text: str) -> datetime:
    """Raises BadInput for what is no date."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no date") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def stored(folder: Path) -> list[Json]:
    """The calibrations of a machine, given its folder of results. Raises BadInput for a file that is none."""
    paths = sorted((folder / FOLDER).glob(f"*/{FILE}"))
    return [_read(path) for path in paths]


def _read(path: Path) -> Json:
    found = store.read_json(path, SCHEMA)
    if not {"started", "machine", "profile", "same", "finds"} <= found.keys():
        raise BadInput(f"{path} is no calibration of this harness")
    return found


def write(folder: Path, calibration: Json) -> Path:
    path = folder / FILE
    store.write_atomically(path, json.dumps(calibration, indent=1, allow_nan=False) + "\n")
    return path


def beside(folder: Path, info: Mapping[str, Any]) -> str:
    """The line for the verdicts of the run in `folder`: of the calibration nearest to it in time."""
    try:
        found = [one for place in list(folder.resolve().parents)[:2] for one in stored(place)]
        nearest = min(found, key=lambda one: abs(_days(one, info)), default=None)
        why = outdated(nearest, info) if nearest else ""
    except BadInput as error:
        return f"calibration cannot be read: {error}"
    if nearest is None:
        return f"not calibrated: {MEND} tells how far to trust this machine"
    return line(nearest) + (f"; but {why}" if why else "")


def line(calibration: Json) -> str:
    """``calibrated 2026-01-31: 0 false alarms of 60 (at most 4.9 %), finds +2.3 %, ...``"""
    same = calibration["same"]
    alarms = same.get("pooled", same)
    change, bias = calibration["finds"]["change"], calibration["bias"]["same"]
    parts = [
        f"{alarms['false_alarms']} false alarms of {alarms['n']} (at most {units.percent(alarms['at_most'])})"
    ]
    if change is not None:
        power = units.percent(calibration["finds"]["power"])
        parts.append(f"finds +{units.percent(change)} of time in {power} of cases")
    if bias and bias["high"] is not None:
        read = Interval(bias["point"], bias["low"], bias["high"], bias["n"])
        parts.append(f"reads no change as {units.between(read, lambda value: f'{value:.4f}x')}")
    return f"calibrated {calibration['started'][:10]} ({calibration['profile']}): {', '.join(parts)}"
