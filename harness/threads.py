"""How the threads of a measured process wait for each other. A leaf: the standard library only."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

#: Looks at the flag before a waiting thread sleeps, 15 us or so: GNU OpenMP's, in torch's Linux builds.
SPINS = "1000"


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """OpenMP threads sleep soon when they wait, in processes started from now on; a user's setting stays.

    By default they spin for milliseconds. On a machine whose cores others want too, a thread then spins for
    as long as its partner is not scheduled. To sleep at once is no better: a thread is woken for each of the
    many small operations of a step. On two cores a GPT-2 step of 50 ms, alone and beside a busy core, in
    four processes each:

    ==================  ======  ========  =====================================================
    spins               alone   beside    processes differ by, alone and beside
    ==================  ======  ========  =====================================================
    as torch has it     52 ms   115 ms    8 %, 31 %; and 0.5 to 1.2 s beside two busy processes
    20 000              56 ms   414 ms    6 %, 29 %
    1000                54 ms   111 ms    6 %, 2 %
    none                92 ms   84 ms     18 %, 4 %
    ==================  ======  ========  =====================================================

    To measure with threads that spin all the same, set OMP_WAIT_POLICY=ACTIVE.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment.update(OMP_WAIT_POLICY="PASSIVE", GOMP_SPINCOUNT=SPINS)
