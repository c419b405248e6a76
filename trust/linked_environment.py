"""asv plugin: an environment that sees this interpreter's packages and this checkout."""

import os
import sysconfig
import venv
from pathlib import Path
from typing import Any

from asv.environment import Environment


class LinkedEnvironment(Environment):  # type: ignore[misc]
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
        seen = [sysconfig.get_path("purelib"), os.environ["TRUST_ROOT"]]
        (packages / "linked.pth").write_text("\n".join(seen) + "\n")

    def run(self, args: list[str], **options: Any) -> Any:
        return self.run_executable("python", args, **options)
