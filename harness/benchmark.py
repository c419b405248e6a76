"""A benchmark: which technique, over which grid of workloads. One small file each under benchmarks/.

The same declaration serves all runners: ours, asv and pytest-benchmark. Nothing here imports torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import BadInput, unknown
from harness.record import Case
from harness.technique import Technique, technique, techniques
from harness.workload import PHASES, Workload

PROFILES = ("quick", "standard", "full")
_HERE = Path(__file__).resolve().parent
#: The project's own declarations: beside the package in a checkout, inside it when installed from a wheel.
BENCHMARKS = _HERE / "benchmarks" if (_HERE / "benchmarks").is_dir() else _HERE.parent / "benchmarks"

Spec = Mapping[str, Any]
#: What a cell says that is no parameter of its model.
RESERVED = ("model", "phase", "device", "variants")


def grid(**axes: Any) -> list[dict[str, Any]]:
    """The cells of a grid: every combination of the axes; an axis is one value or a list of them.

    >>> grid(model="gpt2", layers=[2, 4])
    [{'model': 'gpt2', 'layers': 2}, {'model': 'gpt2', 'layers': 4}]
    """
    values = [value if isinstance(value, list) else [value] for value in axes.values()]
    return [dict(zip(axes, cell, strict=True)) for cell in itertools.product(*values)]


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A declaration. `quick`, `standard` and `full` are grids; an empty one falls back to the one before."""

    technique: str | Technique
    quick: Sequence[Spec]
    """Cells: each has ``model`` and ``phase``, and any parameters of that model. With a ``device`` it is
    planned on that device only, so that each gets sizes that tell something there; with ``variants`` it has
    only those, besides the baseline."""
    standard: Sequence[Spec] = ()
    full: Sequence[Spec] = ()
    name: str = ""
    variants: tuple[str, ...] = ()
    """Only these of the technique's variants, besides the baseline; empty means all."""
    measures: tuple[str, ...] = ()
    """The kinds of launch; empty means the technique's own."""
    make: Callable[..., Workload] | None = None
    """For a workload of one's own: called as ``make(phase=, device=, seed=, **parameters)``."""
    says: str = field(default="")

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.applied.name)

    @property
    def applied(self) -> Technique:
        return technique(self.technique) if isinstance(self.technique, str) else self.technique

    def cells(self, profile: str) -> Sequence[Spec]:
        """The grid of `profile`, or the nearest smaller one that is declared."""
        declared = [self.quick, self.standard, self.full][: PROFILES.index(profile) + 1]
        return next((cells for cells in reversed(declared) if cells), ())

    def groups(self, profile: str, device: str) -> list[list[Case]]:
        """The cases of `profile`, grouped as they are measured: the baseline first, then its variants."""
        return [
            self._group(cell, device) for cell in self.cells(profile) if cell.get("device", device) == device
        ]

    def cells_of(self, ids: Collection[str], profile: str) -> Iterable[Spec]:
        """The cells of `profile` with the cases of those ids, and no other variants than theirs."""
        for cell, device in itertools.product(self.cells(profile), ("cpu", "cuda")):
            if cell.get("device", device) == device:
                asked = tuple(case.variant for case in self._group(cell, device) if case.id in ids)
                if asked:
                    yield {**cell, "device": device, "variants": asked}

    def _group(self, cell: Spec, device: str) -> list[Case]:
        if not {"model", "phase"} <= cell.keys():
            raise BadInput(f"{self.name}: each cell names a model and a phase; {dict(cell)} does not")
        baseline = self.applied.baseline
        rest = {key: value for key, value in cell.items() if key not in RESERVED}
        return [
            Case(
                benchmark=self.name,
                variant=name,
                baseline=baseline,
                model=cell["model"],
                phase=cell["phase"],
                device=device,
                parameters=rest,
                technique=self.applied.claimed_as,
            )
            for name in (baseline, *self._variants(cell, device))
        ]

    def _variants(self, cell: Spec, device: str) -> list[str]:
        """The cell's, besides the baseline. Raises BadInput for a phase or variant that there is not."""
        applied, phase = self.applied, cell["phase"]
        if phase not in PHASES:
            raise unknown("phase", phase, PHASES)
        if phase not in applied.phases:
            known = " and ".join(applied.phases)
            raise BadInput(f"{self.name}: {applied.name} is for {known}, not for {phase}")
        asked = cell.get("variants", self.variants)
        for name in asked:
            applied.variant(name)
        return [
            name
            for name, variant in applied.variants.items()
            if name != applied.baseline
            and (not asked or name in asked)
            and (variant.phases is None or phase in variant.phases)
            and (variant.devices is None or device in variant.devices)
        ]

    def kinds(self) -> tuple[str, ...]:
        return self.measures or self.applied.measures

    def workload(self, case: Case, seed: int = 0) -> Workload:
        """The recipe of `case`, technique applied. Raises Unsupported where it cannot run here."""
        make = partial(remembered, self.make) if self.make else model(case.model)
        plain = make(phase=case.phase, device=case.device, seed=seed, **case.parameters)
        return self.applied.variant(case.variant).apply(plain)


def models() -> list[str]:
    """The names of the models in harness/models/."""
    import harness.models

    return [m.name for m in pkgutil.iter_modules(harness.models.__path__) if not m.name.startswith("_")]


def model(name: str) -> Callable[..., Workload]:
    """The ``make`` of harness/models/NAME.py. Raises BadInput with the nearest names."""
    if name not in models():
        raise unknown("model", name, models())
    return partial(remembered, importlib.import_module(f"harness.models.{name}").make)


def remembered(make: Callable[..., Workload], **given: Any) -> Workload:
    """What `make` makes, able to be made again with other parameters."""
    return replace(make(**given), make=make)


def own(folder: Path | str) -> bool:
    """Whether the declarations in `folder` are the user's."""
    return Path(folder).resolve() != BENCHMARKS.resolve()


def discover(folder: Path | str = BENCHMARKS) -> dict[str, Benchmark]:
    """Every ``BENCHMARK`` (or ``BENCHMARKS``, a list) in the files of `folder`, by name, in file order.

    Raises BadInput for a folder that is not there, holds none, or a file that does not import.
    """
    folder = Path(folder)
    if not folder.is_dir():
        wanted = "a folder of .py files that each hold a BENCHMARK"
        raise BadInput(f"no folder {folder}; --benchmarks takes {wanted}")
    techniques()  # A slip in one is its own file's, and not of the first declaration to ask for it.
    found: dict[str, Benchmark] = {}
    for path in sorted(folder.glob("[!_]*.py")):
        for benchmark in declarations(path):
            if benchmark.name in found:
                taken = f"the name {benchmark.name!r} is taken"
                raise BadInput(f"{path}: {taken}; give this BENCHMARK another name=")
            found[benchmark.name] = benchmark
    if not found:
        raise BadInput(f"{folder} holds no benchmark; a file there defines BENCHMARK = Benchmark(...)")
    return found


def declarations(path: Path) -> Iterable[Benchmark]:
    """The benchmarks of one file. Raises BadInput if it does not import."""
    name = f"_benchmarks_{abs(hash(path.resolve().parent))}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    except Exception as error:
        raise BadInput(f"{path} does not import: {type(error).__name__}: {error}") from error
    found = [module.BENCHMARK] if hasattr(module, "BENCHMARK") else getattr(module, "BENCHMARKS", [])
    if not all(isinstance(one, Benchmark) for one in found):
        raise BadInput(f"{path}: BENCHMARK is no Benchmark(...), and BENCHMARKS no list of them")
    return found


def chosen(names: Iterable[str], declared: Mapping[str, Benchmark]) -> list[Benchmark]:
    """The benchmarks that `names` ask for: by their own name, their technique's, or as a stack of techniques.

    The id of a case, which has a #, asks for that case with its baseline, and for no other of its benchmark.
    No names means all. Raises BadInput with the nearest names.
    """
    asked = list(dict.fromkeys(names))
    ids = [name for name in asked if "#" in name]
    found = {one.name: one for one in _only(ids, declared)}
    for name in asked:
        if name not in ids:
            found.update((one.name, one) for one in _named(name, declared))
    return list(found.values()) or list(declared.values())


def find(name: str, declared: Mapping[str, Benchmark]) -> Benchmark:
    """The benchmark of exactly that name, as a stored case writes it; a stack's is made from its name."""
    return declared[name] if name in declared else _stacked(technique(name), declared)


def _named(name: str, declared: Mapping[str, Benchmark]) -> list[Benchmark]:
    same = [one for one in declared.values() if name in (one.name, one.applied.name, one.applied.claimed_as)]
    if same:
        return same
    if ":" in name or "+" in name:
        return [_stacked(technique(name), declared)]
    raise unknown(
        "technique or benchmark", name, {*declared, *(one.applied.name for one in declared.values())}
    )


def _only(ids: Sequence[str], declared: Mapping[str, Benchmark]) -> Iterable[Benchmark]:
    """The benchmarks of those cases, each with no other cells and variants than theirs."""
    for name, own in itertools.groupby(sorted(ids), key=lambda one: one.partition("/")[0]):
        one, wanted = find(name, declared), set(own)
        quick, standard, full = ([*one.cells_of(wanted, profile)] for profile in PROFILES)
        if not (quick or standard or full):
            raise BadInput(f"{name} declares no {min(wanted)}; its own: python -m harness list {name}")
        yield replace(one, quick=quick, standard=standard, full=full)


def _stacked(applied: Technique, declared: Mapping[str, Benchmark]) -> Benchmark:
    """A stack that nobody declared, over the workloads of the first of its techniques that it can run on."""
    first = next((one for one in declared.values() if applied.name.startswith(f"{one.applied.name}:")), None)
    if first is None:
        raise BadInput(f"no benchmark declares workloads for {applied.name}; add one under benchmarks/")
    quick, standard, full = (
        [cell for cell in first.cells(profile) if cell["phase"] in applied.phases] for profile in PROFILES
    )
    return Benchmark(technique=applied, quick=quick, standard=standard, full=full)
