"""The fingerprint: what is in it, what must not be, and the names that come from it."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import machine

Write = Callable[[str, str], Path]


def made(**changed: Any) -> dict[str, Any]:
    """A fingerprint as far as names and differences need one."""
    plain = {
        "cpu": {"model": "AMD EPYC", "cores": 2, "quota": None, "flags": ["avx2", "avx512f"]},
        "memory": {"total": 25_276_514_304, "limit": None},
        "gpus": [],
        "commit": "abc",
    }
    return {**plain, **changed}


def test_the_real_machines_fingerprint_is_whole_and_plain_json() -> None:
    found = machine.fingerprint()
    assert json.loads(json.dumps(found)) == found
    assert found["cpu"]["cores"] >= 1
    assert found["memory"]["total"] > 10**8
    assert found["python"] == platform.python_version()
    assert "torch" in found["libraries"]
    assert set(found) >= {"gpus", "os", "environment", "version", "commit", "dirty"}


def test_no_name_of_host_or_user_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", f"/home/{getpass.getuser()}/cache")
    monkeypatch.setenv("LD_PRELOAD", "/home/a-user/libjemalloc.so.2:/usr/lib/libtcmalloc.so")
    text = json.dumps(machine.fingerprint())
    assert "/home/" not in text
    assert f'"{platform.node()}"' not in text
    assert ".../libjemalloc.so.2:/usr/lib/libtcmalloc.so" in text


def test_only_variables_that_matter_are_kept_and_no_secrets() -> None:
    found = machine.environment({
        "OMP_NUM_THREADS": "2",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHINDUCTOR_CACHE_DIR": "/tmp/torchinductor_someone",
        "CUDA_VISIBLE_DEVICES": "0,1",
        "MALLOC_CONF": "background_thread:true",
        "PYTORCH_SECRET": "1",
        "TORCH_HUB_TOKEN": "1",
        "HOME": "/home/someone",
        "USER": "someone",
        "AWS_KEY": "1",
    })  # fmt: skip
    assert found == {
        "OMP_NUM_THREADS": "2",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHINDUCTOR_CACHE_DIR": "...",
        "CUDA_VISIBLE_DEVICES": "0,1",
        "MALLOC_CONF": "background_thread:true",
    }


def test_importing_it_needs_neither_torch_nor_numpy() -> None:
    code = "import sys, harness.machine, harness.doctor; print({'torch', 'numpy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "amd-epyc-2c-24g"),
        ({"memory": {"total": 24 * 2**30, "limit": 8 * 2**30}}, "amd-epyc-2c-8g"),
        ({"cpu": {"model": "AMD EPYC", "cores": 8, "quota": 1.5}}, "amd-epyc-1.5c-24g"),
        ({"cpu": {"model": "AMD EPYC", "cores": 2, "flags": ["avx2"]}}, "amd-epyc-avx2-2c-24g"),
        ({"cpu": {"model": "AMD EPYC 7763", "cores": 2, "flags": ["avx2"]}}, "amd-epyc-7763-2c-24g"),
        ({"cpu": {"model": "Neoverse", "cores": 2, "flags": ["asimd"]}}, "neoverse-2c-24g"),
        ({"gpus": [{"name": "NVIDIA H200"}]}, "nvidia-h200"),
        ({"gpus": [{"name": "NVIDIA L4"}] * 4}, "nvidia-l4-x4"),
        ({"gpus": [{"name": None}]}, "amd-epyc-2c-24g"),
    ],
)
def test_a_machine_has_a_short_name(changed: dict[str, Any], name: str) -> None:
    assert machine.slug(made(**changed)) == name


def test_the_name_stays_when_software_changes() -> None:
    assert machine.slug(made(libraries={"torch": "3.0"}, commit="def")) == machine.slug(made())


def test_what_was_begun_elsewhere_is_told_with_the_first_difference() -> None:
    more = made(memory={"total": 25_200_000_000, "limit": None}, dirty=True)
    assert machine.begun_elsewhere(made(), more) == machine.begun_elsewhere({}, made()) == ""
    fewer = made(memory={"total": 2**30, "limit": None}, commit="0123456789abcdef")
    assert machine.begun_elsewhere(made(), fewer) == (
        "was begun elsewhere (commit: abc against 0123456789, and 1 more); go back to that, or begin anew"
    )


def test_differences_are_told_by_name_and_the_commit_is_none() -> None:
    one = made(gpus=[{"name": "NVIDIA L4", "power_limit": 72.0}], libraries={"torch": "2.13.0"})
    other = made(
        cpu={"model": "AMD EPYC", "cores": 4, "quota": None, "flags": ["avx2", "fma"]},
        gpus=[{"name": "NVIDIA L4", "power_limit": 60.0}],
        commit="def",
    )
    assert machine.differences(one, other) == [
        "cpu.cores: 2 against 4",
        "cpu.flags: ['avx2', 'avx512f'] against ['avx2', 'fma']",
        "gpus.0.power_limit: 72.0 against 60.0",
        "libraries.torch: 2.13.0 against unset",
    ]
    assert machine.differences(one, one) == []


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "machine.py").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_the_commit_is_told_and_a_change_makes_it_dirty_but_results_do_not(repository: Path) -> None:
    clean = machine.source(repository)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (repository / "results").write_text("of a run")
    assert machine.source(repository) == clean
    (repository / "machine.py").write_text("two")
    assert machine.source(repository) == {**clean, "dirty": True}


def test_somebody_elses_repository_is_not_ours(repository: Path) -> None:
    installed = repository / "venv"
    installed.mkdir()
    (installed / "machine.py").write_text("one")
    assert machine.source(installed) == {"commit": None, "dirty": None}


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.source(repository) == {"commit": None, "dirty": None}
