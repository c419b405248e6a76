"""A technique: a named transformation of a workload, with variants; and the one place that stacks them.

Techniques never look at each other. ``STAGES`` orders them, and two that claim the same stage clash.
Nothing here imports torch; a technique's file imports it inside the functions that need it.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, reduce

from harness.errors import BadInput, unknown
from harness.workload import Workload

#: The order in which techniques are applied, first to last.
STAGES = (
    "control",
    "dataset",
    "pipeline",
    "architecture",
    "batch",
    "folding",
    "weights",
    "adapter",
    "attention",
    "fusion",
    "memory-format",
    "checkpointing",
    "optimizer",
    "precision",
    "cleanup",
    "generation",
    "serving",
    "loading",
    "compile",
)

Apply = Callable[[Workload], Workload]


def unchanged(workload: Workload) -> Workload:
    return workload


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to apply a technique."""

    apply: Apply = unchanged
    says: str = ""
    """One line for people: what this variant does."""
    tolerance: float | None = 1e-4
    """Largest relative L2 difference from the baseline's output or loss that still counts as equal; None for
    another result by design, as a smaller model has: it is compared by quality and not called wrong."""
    gradients: float | None = None
    """The same for the gradients, where rounding moves them further; None means as `tolerance`."""
    own_work: bool = False
    """Less has to be computed than in the baseline, as with a cache, so how far a step is from the machine's
    limit is told from its own work. With another result by design that is so in any case."""
    needs: tuple[str, ...] = ()
    """What it cannot run without: ``cuda`` or a requirement such as ``peft>=0.10``."""
    fresh: bool = False
    """Needs an interpreter of its own, no fork of the warm process: for what is set as torch is imported."""
    compiles: bool = False
    """Its first step compiles: what that takes, from nothing and with a filled cache, is told."""
    phases: tuple[str, ...] | None = None
    """Only these phases; None means all that the technique has."""
    devices: tuple[str, ...] | None = None
    """Left out of the plan on other devices where it would only repeat another variant; None means all."""


@dataclass(frozen=True, kw_only=True)
class Technique:
    name: str
    says: str
    stage: str
    variants: Mapping[str, Variant]
    baseline: str
    phases: tuple[str, ...] = ("train", "infer")
    measures: tuple[str, ...] = ("memory", "time")
    """The kinds of launch that say something about it; see record.KINDS."""
    tags: tuple[str, ...] = field(default=())
    family: str = ""
    """What the ledger calls it, where its claims speak of several techniques together; empty for its name."""

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise unknown("stage", self.stage, STAGES)
        if self.baseline not in self.variants:
            raise unknown(f"baseline of {self.name}", self.baseline, self.variants)

    @property
    def claimed_as(self) -> str:
        """The technique that claims name."""
        return self.family or self.name

    def variant(self, name: str) -> Variant:
        if name not in self.variants:
            raise unknown(f"variant of {self.name}", name, self.variants)
        return self.variants[name]


@cache
def techniques() -> dict[str, Technique]:
    """Every technique in harness/techniques/, by name. Raises BadInput for a name that two of them have."""
    import harness.techniques

    found: dict[str, Technique] = {}
    for module in pkgutil.iter_modules(harness.techniques.__path__):
        technique = _of_file(module.name)
        if technique.name in found:
            raise BadInput(f"harness/techniques/{module.name}.py: the name {technique.name!r} is taken")
        found[technique.name] = technique
    return found


def _of_file(name: str) -> Technique:
    """The ``TECHNIQUE`` of a file in harness/techniques/. Raises BadInput that names the file."""
    path = f"harness/techniques/{name}.py"
    try:
        module = importlib.import_module(f"harness.techniques.{name}")
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    except ModuleNotFoundError:
        raise  # A Python that lacks what all of this takes.
    except Exception as error:
        raise BadInput(f"{path} does not import: {type(error).__name__}: {error}") from error
    found = getattr(module, "TECHNIQUE", None)
    if not isinstance(found, Technique):
        raise BadInput(f"{path} holds no TECHNIQUE = Technique(...)")
    return found


def technique(name: str) -> Technique:
    """The technique of that name; a stack is written ``mixed-precision:bf16+compile:default``.

    Raises BadInput with the nearest names.
    """
    if "+" in name or ":" in name:
        return stack(name)
    if name not in techniques():
        raise unknown("technique", name, techniques())
    return techniques()[name]


def stack(spelling: str) -> Technique:
    """Several techniques as one, with each alone as a variant beside the whole, so that their parts show.

    Applied in the order of STAGES, however it is written. Raises BadInput for two of the same stage.
    """
    parts = sorted(map(_part, spelling.split("+")), key=lambda part: STAGES.index(part[0].stage))
    for (first, _), (second, _) in itertools.pairwise(parts):
        if first.stage == second.stage:
            raise BadInput(f"{first.name} and {second.name} both set the {first.stage}; choose one of them")
    each = {f"{t.name}:{name}": t.variant(name) for t, name in parts}
    variants = {"none": Variant(says="none of them")}
    if len(each) > 1:
        variants |= each
    variants["+".join(each)] = _together(list(each.values()))
    return Technique(
        name="+".join(each),
        says="stack of " + ", ".join(each),
        stage=parts[-1][0].stage,
        variants=variants,
        baseline="none",
        phases=tuple(p for p in parts[0][0].phases if all(p in t.phases for t, _ in parts)),
    )


def upon(base: Technique, spelling: str, baseline: str = "") -> Technique:
    """`base` with the stack `spelling` beside each of its variants and beside its baseline as well.

    What it gains where the others are in use already: int8 against bf16, both compiled. A variant is named
    ``int8+compile:default``; `baseline` is another variant of `base` than its own to compare with.
    """
    others = [(part.stage, part.variant(name)) for part, name in map(_part, spelling.split("+"))]

    def together(variant: Variant) -> Variant:
        staged = sorted([(base.stage, variant), *others], key=lambda one: STAGES.index(one[0]))
        return replace(_together([one for _, one in staged]), says=f"{variant.says}; {spelling}")

    return replace(
        base,
        baseline=f"{baseline or base.baseline}+{spelling}",
        variants={f"{name}+{spelling}": together(variant) for name, variant in base.variants.items()},
    )


def _part(spelling: str) -> tuple[Technique, str]:
    """``mixed-precision:bf16`` as the technique and the name of its variant."""
    name, _, variant = spelling.partition(":")
    if name not in techniques():
        raise unknown("technique", name, techniques())
    found = techniques()[name]
    if not variant:
        known = " or ".join(f"{name}:{one}" for one in found.variants)
        raise BadInput(f"a stack names a variant of each technique: which {name}? {known}")
    found.variant(variant)
    return found, variant


def _together(variants: list[Variant]) -> Variant:
    """All of `variants`, wherever each of them can be."""
    return Variant(
        apply=lambda workload: reduce(lambda w, variant: variant.apply(w), variants, workload),
        says="all of them",
        tolerance=_sum(variant.tolerance for variant in variants),
        own_work=any(variant.own_work for variant in variants),
        gradients=_sum(v.tolerance if v.gradients is None else v.gradients for v in variants),
        needs=tuple(dict.fromkeys(need for variant in variants for need in variant.needs)),
        fresh=any(variant.fresh for variant in variants),
        compiles=any(variant.compiles for variant in variants),
        phases=_common(variant.phases for variant in variants),
        devices=_common(variant.devices for variant in variants),
    )


def _sum(tolerances: Iterable[float | None]) -> float | None:
    """Roundings add up; beside another result by design there is none."""
    each = list(tolerances)
    return None if None in each else sum(one for one in each if one is not None)


def _common(named: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """What all of them name; None stands for everything."""
    lists = [names for names in named if names is not None]
    return tuple(name for name in lists[0] if all(name in names for names in lists)) if lists else None
