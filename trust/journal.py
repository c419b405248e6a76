"""What a session has found so far: one line for each answer of a tool, written as it comes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness import machine
from harness.errors import BadInput

Json = dict[str, Any]

#: Of the lines below and of the JSON that is made of them. A newer one is refused.
SCHEMA = 1


class Journal:
    """``journal.jsonl``: the header, then a line for each part. `lines` holds the parts so far."""

    def __init__(self, path: Path, header: Json) -> None:
        """Opens or begins it. A last line that a kill has torn is left out and written over.

        Raises BadInput for a journal of a newer schema, of a session that asked for something else, or of
        another machine, commit or versions.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.header = {"schema": SCHEMA, **header}
        self.lines: list[Json] = []
        if path.is_file():
            self.header, self.lines = read(path)
            if self.header["asked"] != header["asked"]:
                raise BadInput(f"{path} was begun with other options; give another --out")
            if why := machine.begun_elsewhere(self.header["fingerprint"], header["fingerprint"]):
                raise BadInput(f"{path} {why} with another --out")
        self._write("".join(json.dumps(one) + "\n" for one in (self.header, *self.lines)))

    def append(self, line: Json) -> None:
        self.lines.append(line)
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
            out.flush()
            os.fsync(out.fileno())

    def has(self, **keys: object) -> bool:
        return any(all(line.get(key) == value for key, value in keys.items()) for line in self.lines)

    def _write(self, text: str) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._path)


def read(path: Path) -> tuple[Json, list[Json]]:
    """Header and lines. Raises BadInput for no journal, or one of a newer schema."""
    if not path.is_file():
        raise BadInput(f"no journal {path}; measure first: python -m trust --short --out {path.parent}")
    found = list(_whole(path.read_text(encoding="utf-8").splitlines()))
    if not found or found[0].get("schema", SCHEMA + 1) > SCHEMA:
        raise BadInput(f"{path} is not a journal of schema {SCHEMA} or older")
    return found[0], found[1:]


def _whole(lines: Iterable[str]) -> Iterable[Json]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return
