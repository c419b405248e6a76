"""The project as others get it: what the wheel holds, what is pinned, what the README tells to type."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import harness
from harness.nvidia import NEEDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, so that the checkout gets no build/ folder."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "claimbench"
    for name in ("harness", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, copy], check=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_wheel_has_every_module_and_the_ledger(wheel: zipfile.ZipFile) -> None:
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "harness").rglob("*")
        if path.suffix in (".py", ".toml") or path.name == "py.typed"
    }
    assert expected - set(wheel.namelist()) == set()
    assert any(name.startswith("harness/ledger/") for name in expected)


def test_wheel_has_the_declarations_inside_the_package(wheel: zipfile.ZipFile) -> None:
    declared = {path.name for path in (ROOT / "benchmarks").glob("*.py")}
    assert {f"harness/benchmarks/{name}" for name in declared} <= set(wheel.namelist())
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"harness", f"claimbench-{harness.__version__}.dist-info"}


def test_an_installed_wheel_lists_its_benchmarks(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import harness.benchmark as b; print(b.BENCHMARKS); print(*b.discover())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    folder, names = done.stdout.splitlines()
    assert Path(folder) == tmp_path / "harness" / "benchmarks"
    assert "mixed-precision" in names.split()


def test_console_script_is_the_command_line() -> None:
    from harness import cli

    assert PROJECT["project"]["scripts"] == {"claimbench": "harness.__main__:run"}
    assert callable(cli.main)


def pinned(name: str, python: str) -> list[Version]:
    """The versions that the constraints give for a package on one Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return [
        Version(str(pin.specifier).removeprefix("=="))
        for pin in PINS
        if pin.name.lower() == name.lower() and (pin.marker is None or pin.marker.evaluate(environment))
    ]


#: Extras that install only where CUDA is, so that no tested set can hold them.
CUDA_ONLY = ("flash", "liger")


def test_what_needs_cuda_is_not_among_all() -> None:
    every = " ".join(PROJECT["project"]["optional-dependencies"]["all"])
    assert not any(extra in every for extra in CUDA_ONLY)


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_every_requirement_is_pinned_once_within_its_range(python: str) -> None:
    project = PROJECT["project"]
    listed = [
        *project["dependencies"],
        *(
            requirement
            for extra, requirements in project["optional-dependencies"].items()
            if extra not in CUDA_ONLY
            for requirement in requirements
        ),
    ]
    for requirement in map(Requirement, listed):
        if requirement.name == "claimbench":
            continue
        versions = pinned(requirement.name, python)
        assert len(versions) == 1, f"{requirement.name} on {python}: {versions}"
        assert requirement.specifier.contains(versions[0])


def test_what_doctor_asks_for_is_the_extra_of_gpus() -> None:
    assert PROJECT["project"]["optional-dependencies"]["gpu"] == [NEEDS]


def test_torch_is_pinned_without_a_build() -> None:
    """A local version, such as +cpu, would keep those who have CUDA from getting CUDA."""
    assert pinned("torch", "3.11") == [Version("2.13.0")]


def test_ci_runs_what_the_readme_tells_to_type() -> None:
    readme, script = ((ROOT / name).read_text() for name in ("README.md", ".ci/run"))
    commands = re.findall(r"^python3 -m venv.*$", readme, re.MULTILINE)
    assert [re.search(r"nox -s (\w+)", command)[1] for command in commands] == ["bench", "tests"]  # type: ignore[index]
    assert commands[1] in script


def test_the_technique_in_contributing_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from harness import technique

    text = (ROOT / "CONTRIBUTING.md").read_text()
    applied, declared = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(applied, names)
    monkeypatch.setitem(technique.techniques(), "channels-last", names["TECHNIQUE"])
    exec(declared, names)
    (first, *_) = names["BENCHMARK"].groups("quick", "cpu")
    job = names["BENCHMARK"].workload(first[1]).build()
    assert isinstance(job.step(), torch.Tensor)
