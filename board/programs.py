"""Programs of the workstation that the board side calls."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from board.errors import BoardError
from firmware_py.errors import MissingToolError
from firmware_py.reading.lines import last_line

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
        reason = last_line(done.stderr, f"exit code {done.returncode}")
        raise BoardError(f"{name} failed: {reason}")
    return done.stdout
