"""Inspections of HDF5 files in forks of one small process: many a second, each under its limits.

`inspect_hdf5` starts a Python for each file, which takes most of a second.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from convert.reading import inspection


@contextmanager
def inspected_in_forks() -> Iterator[None]:
    """Let `inspect_hdf5` fork meanwhile."""
    before, inspection.subprocess = inspection.subprocess, _FORKS
    try:
        yield
    finally:
        inspection.subprocess = before


class _Forks:
    """What `inspection` needs of `subprocess`."""

    TimeoutExpired = subprocess.TimeoutExpired

    @cached_property
    def _server(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def run(self, command: Sequence[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        """Inspect the file that a command ends with."""
        server = self._server
        assert server.stdin
        assert server.stdout
        server.stdin.write(f"{command[-1]}\n")
        server.stdin.flush()
        code, _, said = server.stdout.readline().rstrip("\n").partition(" ")
        return subprocess.CompletedProcess(command, int(code), "", said)


_FORKS = _Forks()


def _inspect(path: str) -> tuple[int, str]:
    """Return the exit code of an inspection, negative for a signal, and its last line."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 2)
            sys.argv = ["inspection", path]
            try:
                inspection.main()
            except SystemExit as end:
                os.write(2, str(end.code).encode(errors="replace"))
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        lines = said.read().strip().splitlines()
    return os.waitstatus_to_exitcode(status), lines[-1] if lines else ""


if __name__ == "__main__":
    for line in sys.stdin:
        print(*_inspect(line.rstrip("\n")), flush=True)
