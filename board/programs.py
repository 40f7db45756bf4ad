"""Programs of the workstation that the board side calls."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from board.errors import BoardError
from firmware_py.errors import MissingToolError

_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Which ordinary users lack in PATH; nothing here needs root for what lies there."""


def run(
    command: Sequence[str | Path],
    *,
    package: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> bytes:
    """Run a program that the Debian package `package` brings; return its standard output.

    Raises MissingToolError if it is not installed, BoardError with its last words if it fails.
    """
    name, *arguments = map(str, command)
    program = shutil.which(name) or shutil.which(name, path=_SYSTEM_FOLDERS)
    if program is None:
        raise MissingToolError(f"{name} is not installed; install the package {package}")
    done = subprocess.run(
        [program, *arguments], env=env, input=stdin, capture_output=True, check=False
    )
    if done.returncode:
        raise BoardError(f"{name} failed: {last_words(done.stderr, done.returncode)}")
    return done.stdout


def last_words(output: bytes, code: int) -> str:
    """Return the last line that says something, or the exit code."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), f"exit code {code}")
