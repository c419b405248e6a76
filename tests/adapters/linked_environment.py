"""asv plugin for the tests: an environment that sees this interpreter's packages, so that none is installed.

The rest is asv's own: each commit is built and installed into it, over what it sees.
"""

import sysconfig
import venv
from pathlib import Path
from typing import Any

from asv.environment import Environment


class LinkedEnvironment(Environment):
    tool_name = "linked"

    @classmethod
    def matches(cls, python: str) -> bool:
        return False

    def __init__(self, conf: Any, python: str, requirements: Any, variables: Any) -> None:
        self._python, self._requirements = python, requirements
        super().__init__(conf, python, requirements, variables)

    def _setup(self) -> None:
        path = Path(self._path)
        venv.create(path, with_pip=False, symlinks=True)
        (packages,) = path.glob("lib/python*/site-packages")
        (packages / "linked.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = path / "bin" / "pip"
        pip.write_text(f'#!/bin/sh\nexec {path}/bin/python -m pip "$@"\n')
        pip.chmod(0o755)

    def run(self, args: list[str], **options: Any) -> Any:
        return self.run_executable("python", args, **options)
