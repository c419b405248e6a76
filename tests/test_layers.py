"""Imports point down, without a cycle, and what only plans, judges or prints never imports torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parent

#: From the top: a module imports those of its own layer and below. A package stands for all that is in it.
#: `workload`, the words in which jobs are spoken of, needs nothing: it is below the leaves that take a job.
LAYERS = [
    {"__main__"},
    {"cli", "examples", "options"},
    {"commands_bisect"},
    {"commands_calibrate"},
    {"commands_compare", "calibrating"},
    {"session", "commands", "comparing"},
    {"report", "adapters"},
    {"plan", "runner", "settings", "launch", "slices", "engines", "warm"},
    {"worker"},
    {"planted"},
    {"benchmark", "doctor", "observed"},
    {"technique", "techniques"},
    {
        "distilling",
        "folding",
        "gradient_checkpoints",
        "jobs",
        "optimizers",
        "pruners",
        "quantizers",
        "result_cache",
        "sparsity",
    },
    {"models", "data"},
    {
        "history",
        "judge",
        "judgement",
        "calibration",
        "compare",
        "compare_stored",
        "changes",
        "matching",
        "figures",
        "loading",
        "growth",
        "gains",
        "measured",
        "verdict",
        "targets",
        "claims",
        "sources",
    },
    {"summary", "derive", "precision", "rows", "units", "folders", "lines", "store"},
    {"bisection", "checkouts"},
    {"stats", "quantiles", "significance", "machine", "torch_info"},
    {
        "parts",
        "flops",
        "memory",
        "affinity",
        "clock",
        "allocations",
        "limits",
        "conditions",
        "cpu",
        "nvidia",
        "cgroup",
        "children",
        "compiling",
        "threads",
        "scratch",
        "equal",
        "failures",
        "rounding",
        "halves",
    },
    {"workload"},
    {"weights", "update"},
    {"record", "errors", "needs"},
]

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").strip("."): path
    for path in sorted(ROOT.rglob("*.py"))
}


def layer(module: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if module.split(".")[0] in names)


class Imports(ast.NodeVisitor):
    """The modules of the project that a file imports, in functions too, but not for type checking alone."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        kept = node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else [*node.body, *node.orelse]
        for statement in kept:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        self._add(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, "imports are absolute"
        self._add(f"{node.module}.{alias.name}" for alias in node.names)

    def _add(self, names: Iterator[str]) -> None:
        for name in names:
            parts = name.split(".")
            if parts[0] == "harness":
                inner = ".".join(parts[1:])
                self.found.add(inner if inner in MODULES else ".".join(parts[1:-1]))


def imports(module: str) -> set[str]:
    visitor = Imports()
    visitor.visit(ast.parse(MODULES[module].read_text()))
    return visitor.found - {"", module}


GRAPH = {module: imports(module) for module in MODULES if module}


@pytest.mark.parametrize("module", GRAPH)
def test_a_module_has_its_place_and_imports_nothing_above_it(module: str) -> None:
    above = {other for other in GRAPH[module] if layer(other) < layer(module)}
    assert not above, f"{module} imports {', '.join(sorted(above))} from above"


def test_there_is_no_cycle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a cycle: {' > '.join([*path[path.index(module) :], module])}"
        if module not in done:
            for other in GRAPH.get(module, ()):
                visit(other, (*path, module))
            done.add(module)

    for module in GRAPH:
        visit(module, ())


def test_techniques_and_models_do_not_look_at_each_other() -> None:
    for module, others in GRAPH.items():
        package, _, name = module.partition(".")
        if package == "techniques" and name:
            assert not {other for other in others if other.startswith(("techniques.", "models"))}, module
        if package == "models":
            assert not {other for other in others if other.startswith("techniques")}, module


def test_a_planted_import_would_be_seen() -> None:
    visitor = Imports()
    visitor.visit(
        ast.parse(
            "def f():\n    from harness.cli import main\nif TYPE_CHECKING:\n    import harness.worker\n"
        )
    )
    assert visitor.found == {"cli"}
    assert layer("cli") < layer("techniques.compile")


HEAVY = ("torch", "transformers", "scipy", "matplotlib", "numpy", "sklearn", "peft", "ray")
LIGHT = {
    "the package": "import harness",
    "judging": "import harness.judge, harness.claims, harness.targets, harness.store, harness.record",
    "techniques": "from harness.technique import techniques; assert len(techniques()) > 4",
    "benchmarks": "from harness.benchmark import discover; assert len(discover()) > 4",
    "models": "from harness.benchmark import model, models; assert all(map(model, models()))",
    "the plan": (
        "from harness.benchmark import discover, PROFILES\n"
        "for one in discover().values():\n"
        "    for profile in PROFILES:\n"
        "        for group in one.groups(profile, 'cuda'):\n"
        "            [one.workload(case) for case in group]"
    ),
    "the command line": "import harness.cli, harness.commands, harness.report.table",
    # A third of the time to the first word, and only a variant that needs a package asks for it.
    "of packages only the names": (
        "import harness.cli, harness.commands, harness.judge, sys; assert 'packaging' not in sys.modules"
    ),
}


@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT)
def test_nothing_heavy_is_imported_to_plan_or_to_judge(code: str) -> None:
    check = f"{code}\nimport sys\nprint(*({HEAVY!r} & sys.modules.keys()))".replace(
        f"{HEAVY!r} &", f"set({HEAVY!r}) &"
    )
    found = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False, cwd=ROOT.parent
    )
    assert (found.returncode, found.stdout.strip()) == (0, ""), found.stderr or found.stdout
