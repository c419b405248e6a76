"""asv plugin: names the machine as the folders under results/ do, and answers asv's questions about it.

Without it asv takes the host's name, which is nobody's business, and asks at the first run.
"""

from __future__ import annotations

from asv import util
from asv.machine import Machine, MachineCollection

from harness import machine


def setup() -> None:
    """Called by asv when it has read its configuration. ``--machine NAME`` still has the last word."""
    name = machine.slug(machine.fingerprint())
    Machine.hardcoded_machine_name = name
    try:
        MachineCollection.load(name)
    except util.UserError:
        MachineCollection.save(name, {**Machine.get_defaults(), "machine": name})
