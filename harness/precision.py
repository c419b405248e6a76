"""How precise a group's timing launches are: which of them count, and how many more it would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness import stats
from harness.derive import QUIET_ENOUGH
from harness.record import Json

#: A launch whose log ratio is less certain (standard error over its rounds) than so many times the precision
#: that is asked for is measured again. Beside a busy core, of 469 launches the 14 % with an error above 3 %
#: were off by 5.6 % (rms), the others by 1.8 %.
NOISY_ERROR = 1.5
#: So is one in which the host of a virtual machine gave this much of a core to others.
STOLEN = 0.1

#: Three launches may agree by chance: their interval must be narrower by so much to be narrow enough.
BY_CHANCE = 0.5


def further(ratios: Mapping[str, Sequence[float]], made: int, precision: float, most: int) -> int:
    """Timing launches until every variant is precise enough, if they go on differing as they did.

    `ratios` has their log ratios from the `made` launches; in all there are `most`.
    """
    enough = precision * (BY_CHANCE if made < 4 else 1)
    wide = [effects for effects in ratios.values() if stats.ratio(effects).half_width > enough]
    if not wide or made >= most:
        return 0
    needed = max(stats.launches_needed(effects, precision) or most for effects in wide)
    return max(1, min(needed, most) - made)


def ratios(launches: Iterable[Json]) -> dict[str, list[float]]:
    """For each variant its log ratio of times to the baseline, one of each launch that has both.

    Noisy launches are set aside where `derive`, which judges, sets them aside.
    """
    every = list(launches)
    quiet = [launch for launch in every if not launch.get("noisy")]
    found: dict[str, list[float]] = {}
    for launch in quiet if len(quiet) >= QUIET_ENOUGH else every:
        for variant, values in rounds(launch).items():
            found.setdefault(variant, []).append(stats.launch_effect(values))
    return found


def rounds(launch: Json) -> dict[str, list[float]]:
    """For each variant of a launch the log ratios of its rounds to the baseline's."""
    medians = {one["variant"]: stats.medians(one.get("blocks", ())) for one in launch["records"]}
    baseline = medians.pop(launch["baseline"], [])
    every = {variant: stats.rounds(baseline, values) for variant, values in medians.items()}
    return {variant: values for variant, values in every.items() if values}


def noise(launch: Json, precision: float) -> str:
    """Why the launch should be measured again, where `precision` is asked for; or nothing."""
    throttled = launch["conditions"].get("throttled", 0)
    if throttled > 0.1:
        return f"the machine throttled for {throttled:.1f} s"
    stolen = launch["conditions"].get("steal") or 0
    if stolen > STOLEN:
        return f"the host gave {stolen:.1f} cores of this virtual machine to others"
    error = max((stats.launch_error(values) for values in rounds(launch).values()), default=0.0)
    return f"its rounds leave an error of {error:.0%}" if error > NOISY_ERROR * precision else ""
