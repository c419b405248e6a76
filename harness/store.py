"""The results folder: ``results/<machine>/<run>/`` with run.json and records.jsonl. All of it is JSON.

The journal gets one line per launch, written and synced as the launch ends, so that a killed run loses at
most the launch it was in. Torch-free: anyone can judge and redraw a run on a laptop.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from harness.errors import BadInput
from harness.record import SCHEMA, Case, Json

try:
    from orjson import loads
except ImportError:  # It takes a third of the time; a checkout on a bare machine does without.
    from json import loads  # type: ignore[assignment]

RUN = "run.json"
JOURNAL = "records.jsonl"


def utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@dataclass
class Run:
    """A stored run: what was planned and where, and every launch so far."""

    folder: Path
    info: Json
    launches: list[Json] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def groups(self) -> list[list[Case]]:
        return planned(self.info)


class Journal:
    """A run that is being written. Only one process at a time holds it."""

    def __init__(self, run: Run, lines: IO[bytes]) -> None:
        self.run = run
        self._lines = lines

    @classmethod
    def create(cls, results: Path, machine: str, info: Json) -> Journal:
        """A new run under `results`. Raises BadInput for a folder that cannot be written."""
        started = utc_now()
        name = f"{started[:19].replace(':', '')}-{info['profile']}-{secrets.token_hex(2)}"
        folder = results / machine / name
        with write_errors(folder):
            folder.mkdir(parents=True)
            run = Run(folder, {"schema": SCHEMA, "id": name, "started": started, "finished": None, **info})
            # First what the run is: a kill before its first launch leaves a run that can go on.
            _save(run)
            return cls(run, _locked(folder / JOURNAL))

    @classmethod
    def reopen(cls, folder: Path) -> Journal:
        """A run to go on with; a torn last line is set aside in a file of its own first."""
        run = read(folder)
        with write_errors(folder):
            lines = _locked(folder / JOURNAL)
            _set_torn_aside(folder / JOURNAL, lines)
        return cls(run, lines)

    def append(self, launch: Json) -> None:
        """Adds a launch, whole or not at all. Raises BadInput when the disk is full."""
        line = (
            json.dumps({"schema": SCHEMA, **launch}, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        )
        end = self._lines.seek(0, os.SEEK_END)
        try:
            with write_errors(self.run.folder):
                rest = memoryview(line)
                while rest:  # A disk that fills up takes a part of a line without an error.
                    rest = rest[self._lines.write(rest) :]
                os.fsync(self._lines.fileno())
        except BadInput:
            with contextlib.suppress(OSError):
                self._lines.truncate(end)
            raise
        self.run.launches.append(launch)

    def plan(self, group: list[Case]) -> None:
        """Adds a group of cases to what is measured."""
        self.run.info["plan"]["groups"].append([case.as_json() for case in group])
        with write_errors(self.run.folder):
            _save(self.run)

    def tell(self, **facts: Any) -> None:
        """Adds to what is known of the whole run."""
        self.run.info.update(facts)
        with write_errors(self.run.folder):
            _save(self.run)

    def finish(self) -> None:
        self.tell(finished=utc_now())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()


def _save(run: Run) -> None:
    write_atomically(run.folder / RUN, json.dumps(run.info, indent=1) + "\n")


def _locked(path: Path) -> IO[bytes]:
    lines = open(path, "a+b", buffering=0)  # noqa: SIM115 - it stays open as long as the run goes on
    try:
        fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lines.close()
        raise BadInput(
            f"{path.parent} is being written by another run; wait for it, or start a run of its own"
        ) from None
    return lines


def _set_torn_aside(path: Path, lines: IO[bytes]) -> None:
    lines.seek(0)
    whole, end, torn = lines.read().rpartition(b"\n")
    if torn:
        with open(path.with_suffix(".torn"), "ab") as aside:
            aside.write(torn + b"\n")
        lines.truncate(len(whole) + len(end))


def write_atomically(path: Path, text: str) -> None:
    """Replaces `path` in one step: a reader, or a crash, meets the old text or the new, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(folder: Path | str) -> Run:
    """A stored run. Raises BadInput, with file and line, for what is missing, foreign or too new."""
    run = header(folder)
    path = run.folder / JOURNAL
    if path.exists():
        with uncollected(), read_errors(path), open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n"):
                    run.launches.append(parsed(line, path, number))
                else:
                    run.warnings.append(torn(path))
    return run


def header(folder: Path | str) -> Run:
    """A stored run without its launches. Raises BadInput for what is missing, foreign or too new."""
    folder = Path(folder)
    info = _object(_text(folder / RUN, "is no run: it has no run.json"), folder / RUN)
    for key in ("plan", "profile", "device"):
        if key not in info:
            raise BadInput(f"{folder / RUN} is not a run of this harness: it has no {key!r}")
    try:
        planned(info)  # Once, so that whoever judges can take it as it is.
    except (TypeError, KeyError, AttributeError, ValueError):
        raise BadInput(f"{folder / RUN} is not a run of this harness: its plan is no list of cases") from None
    return Run(folder, info)


def planned(info: Json) -> list[list[Case]]:
    """The groups of a run's plan."""
    return [[Case.from_json(case) for case in group] for group in info["plan"]["groups"]]


def torn(path: Path) -> str:
    return f"{path}: the last line is torn and set aside; --resume measures it again"


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection, which would look through all samples again and again and find none.

    Of the time that judging and drawing 100,000 records take it was a fifth.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _text(path: Path, otherwise: str) -> str:
    try:
        with read_errors(path):
            return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path.parent} {otherwise}") from None


@contextlib.contextmanager
def write_errors(folder: Path) -> Iterator[None]:
    """What the operating system refuses there is bad input: a full disk, a folder that is a file."""
    try:
        yield
    except OSError as error:
        where, why = error.filename or folder, error.strerror or error
        raise BadInput(f"cannot write {where}: {why}; nothing stored before is lost") from error


@contextlib.contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Raises BadInput for a file that cannot be read, but FileNotFoundError for none."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}") from None


def parsed(line: bytes, path: Path, number: int) -> Json:
    """The launch on a line of a journal. Raises BadInput, with file and line, for another thing."""
    launch = _object(line, path, number)
    records = launch.get("records")
    named = isinstance(records, list) and all(map(_is_record, records))
    if not named or not {"kind", "group", "launch"} <= launch.keys():
        raise BadInput(
            f"{path} line {number} is not a launch of this harness; move the file away or mend the line"
        )
    return launch


def _is_record(one: Any) -> bool:
    return isinstance(one, dict) and {"case", "variant", "outcome"} <= one.keys()


def read_json(path: Path, newest: int) -> Json:
    """A file of ours, its schema up to `newest`. Raises BadInput if it is missing, foreign or too new."""
    return _object(_text(path, "is not there"), path, newest=newest)


def _object(text: str | bytes, path: Path, number: int = 0, newest: int = SCHEMA) -> Json:
    try:
        data: Json = loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{_where(path, number)} is not JSON; move the file away or mend it") from None
    if not isinstance(data, dict) or not isinstance(data.get("schema"), int):
        raise BadInput(f"{_where(path, number)} is not from this harness: it names no schema")
    if data["schema"] > newest:
        told = f"has schema {data['schema']}, this version reads up to {newest}; upgrade claimbench"
        raise BadInput(f"{_where(path, number)} {told}")
    return data


def _where(path: Path, number: int) -> str:
    return f"{path} line {number}" if number else f"{path}"
