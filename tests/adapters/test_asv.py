"""asv, really run: on a repository of its own, over commits, with the environment linked to this one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.adapters import asv, asv_machine
from tests.adapters.sleeping import declaration, technique

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(900)  # On a busy machine; on an idle one it all takes a minute.
IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")


def settings() -> dict[str, Any]:
    lines = (ROOT / "asv.conf.json").read_text().splitlines()
    found: dict[str, Any] = json.loads(
        "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    )
    return found


class Project:
    """A small copy of this project with two techniques, and a commit that slows one of them by 20 %."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(folder.parent / "home"), "COLUMNS": "200"}
        self.environment.update(PIP_NO_INDEX="1", GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
        Path(self.environment["HOME"]).mkdir()
        self._copy()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(slowed=0.020, untouched=0.020)
        self.commit(slowed=0.024, untouched=0.020)

    def _copy(self) -> None:
        shutil.copytree(ROOT / "harness", self.folder / "harness", ignore=IGNORED)
        (self.folder / "benchmarks").mkdir()
        for name in ("benchmarks/__init__.py", "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
            shutil.copy(ROOT / name, self.folder / name)
        shutil.copy(ROOT / "tests/adapters/linked_environment.py", self.folder)
        config = settings()
        config["environment_type"] = "linked"
        config["plugins"].insert(0, ".linked_environment")
        config["install_command"] = ["in-dir={env_dir} python -m pip install --no-deps {wheel_file}"]
        (self.folder / "asv.conf.json").write_text(json.dumps(config))

    def commit(self, **seconds: float) -> None:
        for name, each in seconds.items():
            (self.folder / "harness/techniques" / f"{name}.py").write_text(technique(name, each))
            (self.folder / "benchmarks" / f"{name}.py").write_text(declaration(name))
        self.git("add", "--all")
        self.git(
            "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", str(seconds)
        )

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def asv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "asv", *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **pipes) as asv:
            try:
                output, errors = asv.communicate()
            finally:
                end(asv.pid)
        return subprocess.CompletedProcess(command, asv.returncode, output, errors)

    def results(self, revision: str) -> dict[str, Any]:
        """asv's own file on a commit, as benchmark -> {case: value}."""
        commit = self.git("rev-parse", revision).strip()[:8]
        (path,) = (self.folder / "results/asv").glob(f"*/{commit}-*.json")
        stored = json.loads(path.read_text())
        names = stored["result_columns"]
        rows = {name: dict(zip(names, row, strict=False)) for name, row in stored["results"].items()}
        return {name: dict(zip(row["params"][1], row["result"], strict=True)) for name, row in rows.items()}


def end(pid: int) -> None:
    """Ends asv, if it still runs, with its fork server, which has a process group of its own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        asv = psutil.Process(pid)
        for process in [*asv.children(recursive=True), asv]:
            process.kill()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("asv") / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture(scope="module")
def compared(project: Project) -> subprocess.CompletedProcess[str]:
    return project.asv("continuous", "main~1", "main", "--bench", "time_step.*sleep", "-a", "rounds=2")


def changed(output: str) -> list[str]:
    """The rows that asv marks as slower or faster."""
    return re.findall(r"^\| [+-] .*\| (\S+\(.*?\)) *\|$", output, re.MULTILINE)


def test_continuous_flags_the_slowed_technique_and_no_other(
    compared: subprocess.CompletedProcess[str],
) -> None:
    assert changed(compared.stdout) == ["Slowed.time_step('toy-train@cpu', 'sleep')"], compared.stdout
    assert compared.returncode == 1


def test_results_are_kept_by_commit_under_our_name_of_the_machine(
    project: Project, compared: subprocess.CompletedProcess[str]
) -> None:
    from harness import machine

    (folder,) = (project.folder / "results/asv").glob("*/")
    assert folder.name == machine.slug(machine.fingerprint())
    before, after = (project.results(name)["Slowed.time_step"]["'sleep'"] for name in ("main~1", "main"))
    assert 0.020 < before < after < 0.1


def test_run_tracks_memory_compiling_and_throughput(
    project: Project, compared: subprocess.CompletedProcess[str]
) -> None:
    done = project.asv("run", "main^!", "--bench", "Untouched.track", "-a", "rounds=1")
    assert done.returncode == 0, done.stdout + done.stderr
    found = project.results("main")
    assert 5.0 < found["Untouched.track_throughput"]["'sleep'"] < 25, "in ms; 4 samples take 20"
    memory = found["Untouched.track_peak_memory"]
    assert 4 * 8 * 8 < memory["'none'"] < 1e6
    assert str(memory["'lacking'"]) == "nan", "what cannot run is skipped, it has not failed"
    compiling = found["Untouched.track_compile_seconds"]
    assert compiling.pop("'compiling'") >= 0
    assert set(map(str, compiling.values())) == {"nan"}, "only variants that compile are asked for it"


def test_publish_makes_the_pages(project: Project, compared: subprocess.CompletedProcess[str]) -> None:
    done = project.asv("publish")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.folder / ".asv/html/index.html").is_file()
    assert (project.folder / ".asv/html/graphs").is_dir()


def test_a_checkout_that_has_only_origins_main_gets_the_branch(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    project.git("clone", "--quiet", ".", str(checkout))
    for line in ("checkout --quiet --detach", "branch --quiet -D main"):
        project.git("-C", str(checkout), *line.split())
    monkeypatch.chdir(checkout)
    asv_machine._have_main()
    assert project.git("-C", str(checkout), "rev-parse", "main") == project.git("rev-parse", "main")
    assert project.git("-C", str(checkout), "status", "--short") == ""


def test_an_older_commit_runs_without_the_techniques_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text(declaration("of_a_later_commit"))
    (tmp_path / "known.py").write_text(technique("known", 0.0) + declaration("").partition("\n")[2])
    assert list(asv.classes(tmp_path)) == ["Known"]


@pytest.mark.parametrize("name", ["mixed-precision", "amp:bf16+compile:default", "2bits"])
def test_class_names_are_ones_that_asv_can_read_back(name: str) -> None:
    """asv splits `name-index` at the first dash, and a class name at dots."""
    assert re.fullmatch(r"[0-9A-Za-z]+", asv._class_name(name))


def test_torch_is_installed_once_and_not_for_each_commit() -> None:
    """pip leaves alone what is there and fits the constraints; forcing it would unpack torch every time."""
    config = settings()
    (install,) = config["install_command"]
    assert "-c {conf_dir}/constraints.txt" in install
    assert "--force" not in install
    assert "--upgrade" not in install
    assert all("--no-deps" in command for command in config["build_command"])
    assert "uninstall_command" not in config, "asv's own takes away the project alone"
