"""A real sshd on a port of this machine, for one user and without changing the system."""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from board_guest import free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="openssh-server is missing")


@dataclass(frozen=True)
class Server:
    port: int
    key: Path
    """A key that may log in."""
    stranger: Path
    """A key that may not."""
    home: Path
    known_hosts: Path

    @property
    def target(self) -> str:
        return f"{getpass.getuser()}@127.0.0.1"


def make_key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]
    subprocess.run(command, check=True)
    return path


@contextmanager
def sshd(folder: Path, force_command: str = "") -> Iterator[Server]:
    """Run sshd; what logs in finds `folder`/home as its home."""
    assert SSHD
    server = Server(
        free_port(),
        make_key(folder / "key"),
        make_key(folder / "stranger"),
        folder / "home",
        folder / "known_hosts",
    )
    server.home.mkdir()
    Path("/run/sshd").mkdir(exist_ok=True)
    config = folder / "sshd_config"
    forced = f"ForceCommand {force_command}\n" if force_command else ""
    config.write_text(
        f"Port {server.port}\nListenAddress 127.0.0.1\nHostKey {make_key(folder / 'host_key')}\n"
        f"AuthorizedKeysFile {server.key}.pub\nStrictModes no\nUsePAM no\nPidFile none\n"
        f"PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        f"SetEnv HOME={server.home}\n{forced}"
    )
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
        try:
            end = time.monotonic() + 20
            while b"listening" not in (folder / "sshd.log").read_bytes():
                assert process.poll() is None, (folder / "sshd.log").read_text()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            process.wait(20)
