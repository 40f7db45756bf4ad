"""Talking to a child process."""

from __future__ import annotations

import subprocess
from typing import IO, AnyStr


def pipes(process: subprocess.Popen[AnyStr]) -> tuple[IO[AnyStr], IO[AnyStr]]:
    """Return the ends of a child's stdin and stdout, both opened as pipes."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process was started without pipes")
    return process.stdin, process.stdout
