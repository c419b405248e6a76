"""``python -m harness``, and the console script."""

import signal
import sys
from typing import NoReturn


def run() -> NoReturn:
    try:
        from harness.cli import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    finally:
        # All is said. A second Ctrl-C would end the interpreter as it leaves, with another exit code.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    run()
