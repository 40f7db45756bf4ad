"""A Debian system with its own systemd in a container: what a Pi's system is to our scripts.

Root, systemd-nspawn and mmdebstrap are needed, and the network once, to fetch the system.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGES = {
    "amd64": "systemd,systemd-sysv,dbus,openssh-server,sudo,python3,cloud-init,netplan.io,locales,"
    "tzdata",
    "arm64": "systemd,python3",
}
"""What a system has; an emulated one little, since all of it is configured by emulation."""
MIRROR = "http://deb.debian.org/debian"

TOOLS = ("systemd-nspawn", "mmdebstrap", "nsenter")
needs_guest = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, TOOLS)),
    reason="root, systemd-container and mmdebstrap are needed",
)

CLOUD = """\
datasource_list: [NoCloud, None]
datasource: {NoCloud: {seedfrom: "file:///boot/firmware"}}
ssh_deletekeys: false
ssh_genkeytypes: []
"""
"""As Raspberry Pi OS configures cloud-init (pi-gen, stage2/04-cloud-init)."""


def base_system(cache: pytest.Cache, release: str, architecture: str = "amd64") -> Path:
    """Return an archive of a small Debian, made once."""
    if architecture == "arm64" and not Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("arm64 programs do not run here; install qemu-user-static and binfmt-support")
    archive = cache.mkdir("guests") / f"{release}-{architecture}.tar"
    if not archive.exists():
        new = archive.with_suffix(".new.tar")
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--architectures={architecture}"]
        command.append(f"--include={PACKAGES[architecture]}")
        made = subprocess.run(
            [*command, release, new, f"deb {MIRROR} {release} main"], capture_output=True
        )
        if made.returncode:
            pytest.skip(f"no Debian {release}: {made.stderr.decode()[-200:]}")
        new.rename(archive)
    return archive


def unpack(archive: Path, root: Path) -> Path:
    root.mkdir()
    subprocess.run(["tar", "-x", "-f", archive, "-C", root, "--exclude=./dev/*"], check=True)
    for folder in ("etc/cloud/cloud.cfg.d", "boot/firmware"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg").write_text(CLOUD)
    return root


class Guest:
    """A started system."""

    def __init__(self, root: Path, process: "subprocess.Popen[bytes]") -> None:
        self.root = root
        self._process = process
        self._leader = 0

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command inside."""
        namespaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"]
        return subprocess.run(
            ["nsenter", "--target", str(self._leader), *namespaces, "--", *command],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def output(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self._process.poll() is None, "the system has ended"
            assert time.monotonic() < end, f"{what} did not come; {self._journal()}"
            time.sleep(0.3)

    def wait_for_start(self) -> None:
        def started() -> bool:
            self._leader = self._leader or self._find_leader()
            if not self._leader:
                return False
            state = self.run("systemctl", "is-system-running").stdout.strip()
            return state in ("running", "degraded")

        self.wait_until(started, "the end of the start")

    def _find_leader(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        found = children.read_text().split()
        return int(found[-1]) if found else 0

    def _journal(self) -> str:
        return self.run("journalctl", "--no-pager", "-n", "60").stdout if self._leader else ""

    def power_off(self) -> None:
        """Pull the plug."""
        if self._leader:
            os.kill(self._leader, signal.SIGKILL)
        self._process.wait(30)


@contextmanager
def booted(root: Path, card: Path | None = None, network: bool = False) -> Iterator[Guest]:
    """Start the system in `root`; it is killed at the end."""
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"]
    command += [f"--directory={root}", "--console=pipe", "--link-journal=no"]
    command += [f"--bind={card}:/boot/firmware"] if card else []
    command += [] if network else ["--private-network"]
    environment = {**os.environ, "UNIFIED_CGROUP_HIERARCHY": "1"}
    with Path(f"{root}.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        guest = Guest(root, process)
        try:
            guest.wait_for_start()
            yield guest
        finally:
            guest.power_off()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
