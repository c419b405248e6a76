"""The warm process of another checkout or interpreter: it imports that side's harness, and forks workers.

Its source is handed to the other interpreter as it is, so it must run beside any commit of the harness that
has a worker; it uses nothing of its own checkout. Messages are JSON, one a packet, with the worker's end of
its pipe beside them. It has no thread and touches no device; whatever might is done in a fork.

Of what takes seconds to import it has what workers were seen to use, no more.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from typing import Any

#: What some workers need, and all can do without: 1 to 3 s each to import, where torch alone takes 1.
SLOW = ("torch._dynamo", "torch._inductor.compile_fx", "transformers.modeling_utils")


def main(control_fd: int, warm: bool, needs: Sequence[str]) -> None:
    control = socket.socket(fileno=control_fd)
    _one_checkout()
    try:
        if warm:
            _warm(needs)
        import harness.worker

        gc.collect()
        gc.freeze()  # As harness.warm, which says why.
    except BaseException as error:
        _reply(control, {"error": _line(error), "lacks": getattr(error, "name", None)})
        return
    commands = [name for name in vars(harness.worker.Measured) if not name.startswith("_")]
    _reply(control, {"commands": commands})
    while True:
        message, handed, _, _ = socket.recv_fds(control, 1 << 20, 1)
        if not message:
            return  # Whoever compares is gone.
        request = json.loads(message)
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            _reply(control, {"code": os.waitstatus_to_exitcode(status)})
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            _child(handed[0], request)
        os.close(handed[0])
        _reply(control, {"pid": pid})


def _warm(needs: Sequence[str]) -> None:
    """Imports what workers of this side need; all that they might, if they cannot tell."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # As harness.warm, which says why.
    logging.disable(logging.WARNING)
    import torch  # noqa: F401

    import harness.worker

    for name in needs:
        with contextlib.suppress(ImportError):  # Of the other side's versions.
            importlib.import_module(name)
    logging.disable(logging.NOTSET)
    if not hasattr(harness.worker.Measured, "imported"):
        import harness.warm


def _one_checkout() -> None:
    """Where a checkout is on the path, modules that it lacks are not taken from one installed as editable."""
    if PathFinder.find_spec("harness") is None:
        return

    def fills_in(finder: object) -> bool:
        module = sys.modules.get(str(getattr(finder, "__module__", "")))
        return "harness" in getattr(module, "MAPPING", ())

    sys.meta_path[:] = [finder for finder in sys.meta_path if not fills_in(finder)]


def _child(pipe: int, request: dict[str, Any]) -> None:
    """Lives in the fork and never returns from it."""
    from multiprocessing.connection import Connection

    code = 1
    try:
        connection = Connection(pipe)
        if "spec" in request:
            from harness import worker

            worker.main(connection, request["spec"])
        else:
            connection.send_bytes(json.dumps(_called(request)).encode())
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _called(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": CALLS[request["call"]](*request["arguments"])}
    except Exception as error:
        return {"outcome": f"crashed: {type(error).__name__}", "message": _line(error)}


def plan(names: list[str], profile: str, device: str, folder: str) -> dict[str, Any]:
    """The groups of cases that this side declares, with their kinds of launch, and what it lacks."""
    from harness import benchmark

    place = folder or str(benchmark.BENCHMARKS)
    declared = benchmark.discover(place)
    groups = []
    for one in benchmark.chosen(names, declared):
        fresh = device == "cuda" or any(variant.fresh for variant in one.applied.variants.values())
        groups += [
            {"cases": [case.as_json() for case in group], "kinds": list(one.kinds()), "fresh": fresh}
            for group in one.groups(profile, device)
        ]
    return {"groups": groups, "folder": place}


def facts() -> dict[str, Any]:
    """What this side is: versions, commit, and the device that torch finds."""
    from harness import machine, torch_info

    return {"machine": machine.fingerprint(), **torch_info.default_device()}


#: What is answered by a fork that lives no longer.
CALLS: dict[str, Callable[..., dict[str, Any]]] = {"plan": plan, "facts": facts}


def _reply(control: socket.socket, message: dict[str, Any]) -> None:
    control.send(json.dumps(message).encode())


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "warm", sys.argv[3:])
    os._exit(0)  # Nothing is open; to take down the interpreter would take as long as to import torch.
