"""How the threads of a measured process wait for each other. A leaf: the standard library only."""

from __future__ import annotations

import os
from collections.abc import MutableMapping


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """OpenMP threads sleep while they wait, in processes started from now on; a setting that is there stays.

    By default they spin. On a machine whose cores others want too, a thread then spins for as long as its
    partner is not scheduled: a step of 60 ms took 500 to 1200 ms on two cores with other work on them, and
    90 to 150 ms with threads that sleep. On an idle machine sleeping made a step of 25 ms 27 ms long. To
    measure with spinning threads all the same, set OMP_WAIT_POLICY=ACTIVE.
    """
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
