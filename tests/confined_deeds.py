"""What a hostile model might do in the process that tries it out: `main(deed)`."""

import os
import signal
import sys
from pathlib import Path

from firmware_py.installation import confinement
from firmware_py.installation.confinement import REFUSED, confine


def main(deed: Path) -> None:
    folder = sys.stdin.read()
    confinement.CPU_SECONDS = 1
    confine()
    if deed.name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif deed.name == "compute":
        while True:
            pass
    elif deed.name == "hoard":
        bytearray(2**30)
    elif deed.name == "write":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        (Path(folder) / "core").write_bytes(b"much")
    elif deed.name == "say":
        print("the word of the child")
        sys.exit(REFUSED)
    else:
        assert (os.getuid(), os.geteuid(), os.getgroups()) == (65534, 65534, [])
