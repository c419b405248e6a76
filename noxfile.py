"""The project's commands: nox -s bench | tests | lint | report | publish | asv | trust.

What follows ``--`` are arguments of its own.

They share one environment, made by the session ``env``, for torch alone unpacks to 700 MB.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import nox

nox.options.sessions = ["bench"]
# Not uv: it reads none of the settings of pip, such as where to find wheels.
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).parent
ENVIRONMENT = Path(".nox") / "env"
INPUTS = ("pyproject.toml", "constraints.txt")


@nox.session(reuse_venv=True)
def env(session: nox.Session) -> None:
    """Make the environment, or do nothing in no time if what it is made from has not changed."""
    made_from = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in INPUTS)).hexdigest()
    stamp = Path(session.virtualenv.location) / "made-from"
    if stamp.is_file() and stamp.read_text() == made_from:
        return
    stamp.unlink(missing_ok=True)
    session.log("installing; torch is large, so the first time takes minutes")
    session.install("-c", "constraints.txt", "-e", ".[tests,lint]")
    stamp.write_text(made_from)


def command(session: nox.Session, *arguments: str, **options: object) -> None:
    """Runs ``python ARGUMENTS`` in the environment."""
    folder = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin")
    session.run(str(ROOT / folder / "python"), *arguments, external=True, **options)


@nox.session(venv_backend="none", requires=["env"])
def bench(session: nox.Session) -> None:
    """Measure, and judge the claims: nox -s bench -- [TECHNIQUE ...] [--profile standard] ..."""
    command(session, "-m", "harness", "run", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def tests(session: nox.Session) -> None:
    """Run the tests: nox -s tests -- [PYTEST ARGUMENTS]."""
    # A process per core, of which each computes on one thread; four of them hold about 8 GB of torch.
    processes = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
    command(session, "-m", "pytest", *processes, *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(venv_backend="none", requires=["env"])
def lint(session: nox.Session) -> None:
    """Check style and types: nox -s lint -- [FILE ...]."""
    files = session.posargs or ["."]
    command(session, "-m", "ruff", "check", *files)
    command(session, "-m", "ruff", "format", "--check", *files)
    command(session, "-m", "mypy", *(session.posargs or ["harness", "trust"]))


@nox.session(venv_backend="none", requires=["env"])
def asv(session: nox.Session) -> None:
    """Follow the commits: nox -s asv -- run | continuous main HEAD | publish | preview ..."""
    command(session, "-m", "asv", *(session.posargs or ["run"]))


@nox.session(venv_backend="none", requires=["env"])
def trust(session: nox.Session) -> None:
    """Which tool finds planted slowdowns, and only those: nox -s trust -- [--full] [--out FOLDER] ..."""
    command(session, "-m", "trust", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def report(session: nox.Session) -> None:
    """Write the page of the stored runs into report/: nox -s report -- [RUN ...]."""
    command(session, "-m", "harness", "report", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def publish(session: nox.Session) -> None:
    """Write the page and asv's own site into site/, linked to each other, ready for static hosting."""
    command(session, "-m", "asv", "publish", "--html-dir", "site/asv")
    command(
        session,
        "-m",
        "harness",
        "report",
        "--index",
        "--page",
        "site",
        "--asv",
        "asv/index.html",
        *session.posargs,
    )
    link = '<p style="margin:.5em 1em"><a href="../index.html">claimbench: measured</a></p>'
    path = ROOT / "site" / "asv" / "index.html"
    text = path.read_text(encoding="utf-8")
    if link not in text:
        path.write_text(text.replace("</body>", f"{link}</body>"), encoding="utf-8")
