"""A stored run with its verdicts, and how one of its numbers is measured again."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from harness.judgement import Judgement
from harness.lines import AnyRun
from harness.report.plots import drawn
from harness.report.plots.drawn import Picture
from harness.rows import CaseSummary

#: In a command, for the folder of declarations of the user's own.
DECLARED = "FOLDER_OF_ITS_DECLARATIONS"


@dataclass(frozen=True)
class Judged:
    run: AnyRun
    judgement: Judgement
    png: bool = False
    """Whether its plots are to be PNG as well, which neither page nor index needs."""

    @cached_property
    def pictures(self) -> list[Picture]:
        return drawn.pictures(self.run.info, self.judgement, self.png)

    @cached_property
    def machine(self) -> str:
        return self.run.folder.resolve().parent.name

    @cached_property
    def name(self) -> str:
        return self.run.folder.resolve().name

    def again(self, row: CaseSummary) -> tuple[str, str]:
        """The command that measures this number again, and in words what else that measures."""
        info, case = self.run.info, row.case
        by_id = info.get("runs_by") == "case"
        name = shlex.quote(case.id if by_id else case.benchmark)
        command = f"python -m harness run {name} --profile {info['profile']} --device {case.device}"
        if info.get("own_benchmarks"):
            command += f" --benchmarks {DECLARED}"
        if commit := info.get("machine", {}).get("commit"):
            command = f"git checkout {shlex.quote(str(commit))}\n{command}"
        if by_id:
            return command, "this alone" if case.is_baseline else "this and its baseline"
        return command, self._besides[case.benchmark]

    @cached_property
    def _besides(self) -> dict[str, str]:
        """What a run by the name of a benchmark measures: all of it, and what else that name means."""
        sizes = Counter(row.case.benchmark for row in self.judgement.rows)
        techniques = {row.case.benchmark: row.case.technique for row in self.judgement.rows}
        told = {}
        for name, size in sizes.items():
            others = [other for other, technique in techniques.items() if technique == name != other]
            also = f"; and all of {', '.join(others)}" if others else ""
            told[name] = f"this and the {size - 1} other cases of {name}{also}"
        return told
