"""What the warm process imports once, so that a launch forks in a fraction of a second.

It must not start a thread, touch a device or compile anything: a fork carries threads and contexts over
broken, and a compiler's state would be shared. It imports, no more; tests count the threads.
"""

import gc
import logging
import os


def _imports() -> None:
    import torch
    import torch._dynamo
    import torch._inductor.compile_fx  # noqa: F401
    import transformers.modeling_utils  # noqa: F401

    import harness.worker  # noqa: F401


# OpenBLAS would start its threads when numpy is imported. torch has BLAS of its own; numpy only makes data.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# transformers imports optional packages, some of which warn about parts of theirs that this machine lacks.
logging.disable(logging.WARNING)
_imports()
logging.disable(logging.NOTSET)
# What is imported stays. Each collection of a worker's would go through all of it, and copy its pages: 0.2 s.
gc.collect()
gc.freeze()
