"""What the warm process imports once, so that a launch forks in a fraction of a second.

It must not start a thread or touch a device: a fork carries neither over. A test counts the threads.
"""

import os

# OpenBLAS would start its threads when numpy is imported. torch has BLAS of its own; numpy only makes data.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import harness.worker  # noqa: E402, F401
import torch  # noqa: E402, F401
import transformers.modeling_utils  # noqa: E402, F401
