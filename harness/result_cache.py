"""Results in a folder on disk that several processes share: diskcache, with an expiry. Imports no torch.

As a script it is the other process: ``python -m harness.result_cache FOLDER``.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

#: How long a result holds, s: the source's hour.
LIFETIME = 3600.0
#: One byte over the pipe: to do the next, and that it is done.
TOKEN = b"."


def opened(folder: Path | str, **settings: Any) -> Any:
    """The ``diskcache.Cache`` in `folder`."""
    from diskcache import Cache

    return Cache(str(folder), **settings)


class Neighbour:
    """Another process with the same cache: it fills it, then reads and writes there as often as it is told.

    It only works when it is told to, so that it takes no time from whoever else is timed. It ends with this
    process, whichever way that ends.
    """

    def __init__(self, folder: Path | str) -> None:
        self.turns = 0
        """How often it has read a result and written it anew."""
        self._busy = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.result_cache", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdin
        assert self._process.stdout
        self.pid = self._process.pid
        self._to, self._from = self._process.stdin, self._process.stdout

    def fill(self, results: Mapping[bytes, Any]) -> None:
        """It writes `results`, which it then keeps at. Returns when it has. Raises OSError if it is gone."""
        pickle.dump(dict(results), self._to)
        self._to.flush()
        self._wait()

    def wake(self) -> None:
        """It does its next turn while we go on, unless it still is at the one before."""
        if self._busy and select.select([self._from], [], [], 0)[0]:
            self._wait()
            self.turns += 1
            self._busy = False
        if not self._busy:
            self._to.write(TOKEN)
            self._to.flush()
            self._busy = True

    def _wait(self) -> None:
        if self._from.read(len(TOKEN)) != TOKEN:
            raise OSError("the process that shares the cache has ended")

    def close(self) -> None:
        with self._process as process:
            try:
                self._to.close()  # At the end of its input it goes.
                process.wait(2)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()


def serve(folder: str) -> None:
    """The other process: fills the cache, then a turn for each token, until nobody is there to send one."""
    read, write = sys.stdin.buffer, sys.stdout.buffer
    with opened(folder) as cache:
        results = pickle.load(read)
        for key, result in results.items():
            cache.set(key, result, expire=LIFETIME)
        keys = cycle(results)
        write.write(TOKEN)
        write.flush()
        while read.read(len(TOKEN)):
            key = next(keys)
            cache.set(key, cache.get(key, results[key]), expire=LIFETIME)
            write.write(TOKEN)
            write.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
