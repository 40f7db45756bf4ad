"""An arm64 Debian as a folder whose programs run here by qemu-user: install, run, look at files."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = "python3-pyaudio,systemd,udev,passwd"
"""What the package depends on, so that dpkg alone can install it, and what every system has."""
CPU = "cortex-a72"
CPUINFO = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
"""Of a Raspberry Pi 4: the interpreter of Debian 13 does not survive an x86 /proc/cpuinfo."""
ENTER = """\
mount --bind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" &&
mount --bind "$1/cpuinfo" "$1/proc/cpuinfo" && root=$1 && shift && exec chroot "$root" "$@"
"""


class Userland:
    """A root file system with the means to run its programs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "cpuinfo").write_text(CPUINFO)

    def try_run(self, *command: object) -> "subprocess.CompletedProcess[str]":
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C",
            "DEBIAN_FRONTEND": "noninteractive",
            "QEMU_CPU": CPU,
        }
        whole = [*enter, str(self.root), *map(str, command)]
        return subprocess.run(
            whole, env=environment, capture_output=True, text=True, timeout=1200, check=False
        )

    def run(self, *command: object) -> str:
        """Return the output of a program that succeeds."""
        done = self.try_run(*command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def take(self, *files: Path) -> list[str]:
        """Copy files into the userland's /srv; return their names there."""
        return [f"/srv/{Path(shutil.copy(file, self.root / 'srv')).name}" for file in files]

    def files(self) -> set[str]:
        """Return all paths but those that programs of the distribution change as they run."""
        changing = (
            "var/lib/dpkg",
            "var/lib/systemd",
            "var/cache",
            "var/log",
            "proc",
            "sys",
            "dev",
            "run",
            "srv",
            "root",
            "tmp",
        )
        found = set()
        for folder, folders, names in os.walk(self.root):
            place = Path(folder).relative_to(self.root)
            folders[:] = [each for each in folders if str(place / each) not in changing]
            found |= {str(place / name) for name in (*folders, *names)}
        return {path for path in found if not path.endswith(".pyc")}


def unpack_userland(release: str, cache: pytest.Cache, folder: Path) -> Userland:
    """Return a fresh Debian; skips the test where arm64 programs or the tools are missing."""
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.skip("root and mmdebstrap are needed: apt install mmdebstrap")
    if not Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("arm64 does not run here: apt install qemu-user-static binfmt-support")
    archive = cache.mkdir("userlands") / f"{release}.tar"
    if not archive.exists():
        part = archive.with_suffix(".part.tar")
        command = [
            "mmdebstrap",
            "--quiet",
            "--variant=apt",
            "--architectures=arm64",
            f"--include={PACKAGES}",
            release,
            str(part),
            f"deb http://deb.debian.org/debian {release} main",
        ]
        made = subprocess.run(
            command,
            env={**os.environ, "QEMU_CPU": CPU},
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"no Debian {release} was fetched: {made.stderr[-200:]}")
        part.rename(archive)
    root = folder / release
    root.mkdir()
    subprocess.run(["tar", "-x", "-f", archive, "-C", root, "--exclude=./dev/*"], check=True)
    return Userland(root)
