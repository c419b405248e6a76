"""What many tests share: cases and launches made by hand, and a worker that answers from a script."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from harness.errors import WorkerFailed
from harness.record import Case, Json

# A busy machine is no failure, and neither is a fresh example on somebody else's pull request.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


def make_cases(*variants: str, benchmark: str = "speed", **parameters: Any) -> list[Case]:
    """A group whose baseline is the first of `variants`."""
    return [
        Case(
            benchmark=benchmark,
            variant=variant,
            baseline=variants[0],
            model="toy",
            phase="train",
            device="cpu",
            parameters=parameters,
        )
        for variant in variants
    ]


class FakeWorker:
    """Answers as told, by command: an exception is raised, of a list the n-th call gets the n-th."""

    pid = 0

    def __init__(self, case: Case, script: Mapping[str, Any], heard: list[tuple[str, str]]) -> None:
        self.case = case
        self._script = {name: list(a) if isinstance(a, list) else a for name, a in script.items()}
        self._heard = heard
        self.asked: list[tuple[str, Json]] = []
        self.closed = False

    def ask(self, command: str, limit: float, **arguments: Any) -> Json:
        self.begin(command, **arguments)
        return self.answer(limit, command)

    def begin(self, command: str, **arguments: Any) -> None:
        assert not self.closed, f"{command} after close"
        self.asked.append((command, arguments))

    def wait(self, limit: float, command: str) -> None:
        """It has answered at once."""

    def answer(self, limit: float, command: str = "build") -> Json:
        return self._reply(command)

    def _reply(self, command: str) -> Json:
        self._heard.append((self.case.variant, command))
        given = self._script.get(command, DEFAULTS[command])
        if isinstance(given, list):
            given = given.pop(0)
        if isinstance(given, Exception):
            raise given
        return dict(given)

    def close(self) -> None:
        self.closed = True


DEFAULTS: Mapping[str, Json] = {
    "build": {"samples": 4, "start_rss": 100, "parameters": 10, "parameter_bytes": 40, "cold_cache": True},
    "warm_up": {"first_step": 0.3, "warmup": [0.1, 0.1, 0.1]},
    "evidence": {"loss": ""},
    "equality": {"metric": "relative L2", "value": 0.0, "tolerance": 1e-4, "ok": True, "message": ""},
    "free": {},
    "hold": {"cpus": [0]},
    "block": {"seconds": [0.1]},
    "memory": {"host": {"peak_rss": 300}, "memory": {"peak": 200, "resident": 50}},
    "flops": {"flops": 1000, "minimum_bytes": 80},
    "figures": {},
    "quality": {"quality": {"metric": "final loss", "value": 1.0, "finite": True, "curve": [1.0]}},
}


class FakeEngine:
    """Starts fake workers; `scripts` by variant, `heard` is who was told what, in order."""

    def __init__(self, scripts: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.scripts = dict(scripts or {})
        self.heard: list[tuple[str, str]] = []
        self.workers: list[FakeWorker] = []
        self.seeds: list[int] = []

    def start(self, case: Case, seed: int) -> FakeWorker:
        worker = FakeWorker(case, self.scripts.get(case.variant, {}), self.heard)
        self.workers.append(worker)
        self.seeds.append(seed)
        return worker


def failed(outcome: str, message: str = "it broke") -> WorkerFailed:
    return WorkerFailed(outcome, message)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """As tmp_path, for what has sockets below it: their paths may not be long."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file below the test's folder and gives its path."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


def times(blocks: Sequence[float]) -> list[Json]:
    """Answers to ``block``, one step each."""
    return [{"seconds": [seconds]} for seconds in blocks]
