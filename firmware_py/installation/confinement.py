"""A process that may fail: without privileges, with little time and memory, leaving no core."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from firmware_py.errors import ArtefactError
from firmware_py.reading.files import shown

REFUSED = 2
"""Exit code of a child that says why on its standard output."""
CPU_SECONDS = 60
"""A Zero 2 W takes five for a large model."""
WALL_SECONDS = 180.0
MEMORY_BYTES = 300 * 2**20
"""Beside what the process has when it is confined."""
NOBODY = 65534
_ROOT = Path(__file__).parents[2]
_NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS, prctl(2)."""
_START = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from importlib import import_module
import_module(sys.argv[2]).main(Path(sys.argv[3]))
"""


def run_confined(module: str, content: bytes, path: Path) -> None:
    """Run `main(path)` of a module with `content` on its standard input, in a process of its own.

    Raises ArtefactError with what the child says, or with how it ended. The child confines itself
    as soon as it has imported what it needs.
    """
    # -P: a folder that somebody has prepared, and that we are in, is no place to import from.
    command = [sys.executable, "-P", "-c", _START, str(_ROOT), module, str(path)]
    try:
        done = subprocess.run(
            command,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ArtefactError(
            f"{shown(path)}: trying the model took more than {WALL_SECONDS:g} s"
        ) from error
    if done.returncode == REFUSED and done.stdout:
        raise ArtefactError(done.stdout.decode(errors="replace").strip())
    if done.returncode:
        raise ArtefactError(
            f"{shown(path)}: the model ended the process that tried it ({_ending(done.returncode)})"
        )


def confine() -> None:
    """Give up what this process does not need for computing; there is no way back."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    most = _address_space() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if os.geteuid() == 0:
        with suppress(PermissionError):  # a container's root, which may not even do this
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _address_space() -> int:
    """Return the size of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGXCPU:
        return f"more than {CPU_SECONDS} s of computing"
    return signal.Signals(-code).name
