"""What Inductor finds out about the machine before it compiles anything, which is no part of a model's cost.

For code on a CPU it builds and loads a small library for each set of vector instructions, once in the life
of its cache: 12 of the 25 s that the first step of a small GPT-2 took with an empty one. Every cold start of
ours has an empty cache, and a machine in use has not: so these are kept apart, for all workers of a run.
"""

from __future__ import annotations

import os
from pathlib import Path

CACHE = "TORCHINDUCTOR_CACHE_DIR"


def learn_machine() -> None:
    """Has Inductor find the vector instructions now, with the libraries that are beside this worker's cache.

    Where it has no cache of its own, with those of the user's. Nothing if this torch asks in another way.
    """
    try:
        from torch._inductor.cpu_vec_isa import pick_vec_isa
    except ImportError:
        return
    own = os.environ.pop(CACHE, None)
    if own is not None:
        os.environ[CACHE] = str(Path(own).with_name("machine"))
    try:
        pick_vec_isa()  # It remembers the answer, and has put the folder it used into the environment.
    finally:
        os.environ.pop(CACHE, None)
        if own is not None:
            os.environ[CACHE] = own
