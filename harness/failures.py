"""The outcome that an exception stands for."""

from __future__ import annotations

import traceback
from pathlib import Path

from harness import record
from harness.errors import Unsupported
from harness.record import Json


def failure(error: BaseException) -> Json:
    """The outcome that an exception stands for, with a message of one line and where it came from."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:500]
    return {"outcome": outcome(error, text), "message": f"{text} ({_where(error)})"}


def outcome(error: BaseException, text: str) -> str:
    if isinstance(error, Unsupported):
        return record.unsupported(text)
    if isinstance(error, MemoryError) or _is_allocation(error):
        return record.OUT_OF_MEMORY
    if isinstance(error, ImportError) and error.name:
        package = error.name.partition(".")[0]
        newer = "" if package == error.name else "-U "  # The package is there, but not this part of it.
        return record.unsupported(f"needs {error.name}: pip install {newer}{package}")
    return record.crashed(type(error).__name__)


def _is_allocation(error: BaseException) -> bool:
    """torch.OutOfMemoryError on a device; on the host a RuntimeError that only its words tell apart."""
    said = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)
    )


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"
        if frames
        else "no frame"
    )
