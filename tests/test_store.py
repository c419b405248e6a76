"""The results folder: what a kill, a full disk, a second run or a foreign file do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import folders, store
from harness.errors import BadInput
from harness.store import Journal
from tests.conftest import make_cases

INFO: dict[str, Any] = {
    "profile": "quick",
    "device": "cpu",
    "plan": {"groups": [[case.as_json() for case in make_cases("a", "b")]]},
}
LAUNCH = {"kind": "time", "group": "g", "baseline": "a", "launch": 0, "noisy": "", "records": []}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.create(tmp_path / "results", "machine", dict(INFO))


def test_what_is_appended_is_read_back_with_its_plan(journal: Journal) -> None:
    journal.append(LAUNCH)
    journal.append({**LAUNCH, "launch": 1})
    run = store.read(journal.run.folder)
    assert [launch["launch"] for launch in run.launches] == [0, 1]
    assert run.groups == [make_cases("a", "b")]
    assert run.info["finished"] is None


def test_finishing_is_told(journal: Journal) -> None:
    journal.finish()
    assert store.read(journal.run.folder).info["finished"]


def test_a_torn_last_line_is_set_aside_and_said(journal: Journal) -> None:
    journal.append(LAUNCH)
    journal.close()
    path = journal.run.folder / store.JOURNAL
    path.write_bytes(path.read_bytes() + b'{"schema": 1, "kind": "ti')
    run = store.read(journal.run.folder)
    assert len(run.launches) == 1
    assert "torn" in run.warnings[0]
    again = Journal.reopen(journal.run.folder)
    again.append({**LAUNCH, "launch": 1})
    again.close()
    assert [launch["launch"] for launch in store.read(journal.run.folder).launches] == [0, 1]
    assert b'"ti' in path.with_suffix(".torn").read_bytes()


def test_two_runs_do_not_write_one_folder(journal: Journal) -> None:
    with pytest.raises(BadInput, match="another run"):
        Journal.reopen(journal.run.folder)
    journal.close()
    Journal.reopen(journal.run.folder).close()


def test_two_runs_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    one, two = (Journal.create(tmp_path, "machine", dict(INFO)) for _ in range(2))
    assert one.run.folder != two.run.folder


def test_a_full_disk_is_one_clear_line_and_loses_nothing(tmp_path: Path) -> None:
    """A real write error: the file may not grow past a limit, as on a full disk."""
    script = f"""
import resource, signal
from pathlib import Path
from harness.errors import BadInput
from harness.store import Journal
journal = Journal.create(Path({str(tmp_path)!r}), "machine", {INFO!r})
journal.append({LAUNCH!r})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    journal.append({{**{LAUNCH!r}, "launch": 1, "padding": "x" * 10000}})
except BadInput as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout
    assert "nothing stored before is lost" in done.stdout
    run = store.read(folders.latest(tmp_path))
    assert len(run.launches) == 1
    assert not run.warnings


def test_an_unwritable_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    with pytest.raises(BadInput, match="cannot write"):
        Journal.create(tmp_path / "results", "machine", dict(INFO))


def test_a_bare_machine_reads_the_same_with_json_alone(journal: Journal) -> None:
    script = """
import sys
sys.modules["orjson"] = None
from harness import store
run = store.read(sys.argv[1])
print(store.loads.__module__, run.launches == eval(sys.argv[2]))
"""
    journal.append({"kind": "time", "group": "g", "launch": 0, "records": [], "seconds": [1e-7, 12345.678]})
    folder, launches = journal.run.folder, store.read(journal.run.folder).launches
    command = [sys.executable, "-c", script, str(folder), repr(launches)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "json True\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json\n", "line 1 is not JSON"),
        ("[]\n", "line 1 is not from this harness"),
        ('{"schema": 1, "kind": "time"}\n', "line 1 is not a launch"),
        ('{"schema": 99, "kind": "time"}\n', "schema 99.*upgrade claimbench"),
        ('{"schema":1,"kind":"time","group":"g","launch":0,"records":[null]}\n', "line 1 is not a launch"),
        ('{"schema":1,"kind":"time","group":"g","launch":0,"records":[{"case":"g#a"}]}\n', "is not a launch"),
        ('{"schema":1,"kind":"time","group":"g","launch":0,"records":3}\n', "line 1 is not a launch"),
        ("[" * 100_000 + "\n", "line 1 is not JSON"),
    ],
)
def test_a_foreign_journal_is_refused_by_file_and_line(journal: Journal, text: str, says: str) -> None:
    (journal.run.folder / store.JOURNAL).write_text(text)
    with pytest.raises(BadInput, match=says):
        store.read(journal.run.folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ('{"schema": 2, "plan": {}}', "schema 2, this version reads up to 1"),
        ('{"schema": 1}', "not a run of this harness"),
        ('{"schema":1,"plan":3,"profile":"quick","device":"cpu"}', "its plan is no list of cases"),
        (
            '{"schema":1,"plan":{"groups":[[{"x":1}]]},"profile":"quick","device":"cpu"}',
            "its plan is no list of cases",
        ),
    ],
)
def test_a_foreign_run_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(BadInput, match=says):
        store.read(tmp_path)


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no run\.json"):
        store.read(tmp_path)


def test_a_run_killed_before_its_first_launch_can_go_on(journal: Journal) -> None:
    journal.close()
    (journal.run.folder / store.JOURNAL).unlink()
    assert store.read(journal.run.folder).launches == []
    Journal.reopen(journal.run.folder).close()


def test_results_never_hold_what_json_cannot(journal: Journal) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        journal.append({**LAUNCH, "value": float("nan")})
    assert store.read(journal.run.folder).launches == []


def test_a_launch_is_one_line_of_plain_json(journal: Journal) -> None:
    journal.append(LAUNCH)
    (line,) = (journal.run.folder / store.JOURNAL).read_text().splitlines()
    assert json.loads(line) == {"schema": 1, **LAUNCH}
