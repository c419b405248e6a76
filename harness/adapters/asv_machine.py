"""asv plugin: names the machine as the folders under results/ do, and answers asv's questions about it.

Without it asv takes the host's name, which is nobody's business, and asks at the first run. And it ends with
"Unknown branch main" where main is there as origin/main alone, as in the checkouts that CI makes.
"""

from __future__ import annotations

import subprocess

from asv import util
from asv.machine import Machine, MachineCollection

from harness import machine


def setup() -> None:
    """Called by asv when it has read its configuration. ``--machine NAME`` still has the last word."""
    _have_main()
    name = machine.slug(machine.fingerprint())
    Machine.hardcoded_machine_name = name
    try:
        MachineCollection.load(name)
    except util.UserError:
        MachineCollection.save(name, {**Machine.get_defaults(), "machine": name})


def _have_main() -> None:
    """The branch that asv.conf.json names, made from origin's where there is only that; no file changes."""
    if _git("rev-parse", "--verify", "main") != 0 and _git("branch", "--track", "main", "origin/main") == 0:
        print("asv: made the branch main, from origin/main")


def _git(*arguments: str) -> int:
    return subprocess.run(["git", *arguments], capture_output=True).returncode
