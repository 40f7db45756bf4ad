"""The Debian packages of the image, each locked by its digest."""

import logging
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from board.bundle.debian_package import sha256_of
from board.errors import BoardError
from board.image.programs import run_tool

RELEASE = "bookworm"
ARCHITECTURE = "arm64"
COMPONENTS = "main,non-free-firmware"
LOCK = Path(__file__).with_name("packages.lock")

INSTALLED = (
    "alsa-utils",
    "e2fsprogs",
    "init-system-helpers",
    "iproute2",
    "kmod",
    "libportaudio2",
    "libstdc++6",
    "openssh-server",
    "procps",
    "python3",
    "python3-pyaudio",
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    "usr-is-merged",
    "wireless-regdb",
    "wpasupplicant",
)
"""Installed and configured, beside what every Debian has."""

UNPACKED = ("busybox-static", "firmware-brcm80211", "linux-image-arm64", "raspi-firmware")
"""Only unpacked: their own set-up would make a RAM disk on the emulated processor."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packages:
    """A folder with all packages of the lock, verified."""

    folder: Path
    digests: dict[str, str]
    """File name -> SHA-256."""

    def file(self, name: str) -> Path:
        """Return the file of a package; a pattern may stand for a part of its name."""
        found = sorted(self.folder.glob(f"{name}_*.deb"))
        if len(found) != 1:
            raise BoardError(f"{LOCK} names {len(found)} packages {name} instead of one")
        return found[0]


def locked_packages(cache: Path, mirrors: tuple[str, ...] = ()) -> Packages:
    """Return the packages of the lock, fetched if `cache` lacks one.

    mirrors: instead of Debian's usual ones, such as a snapshot that still has old versions.
    Raises BoardError when Debian has other versions by now.
    """
    digests = read_lock(LOCK)
    folder = cache / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    if _missing(folder, digests):
        log.info("fetching %d packages from Debian", len(digests))
        with tempfile.TemporaryDirectory(dir=cache) as name:
            for path in _download(Path(name), mirrors):
                if path.name in digests:
                    shutil.move(path, folder / path.name)
    missing = _missing(folder, digests)
    if missing:
        raise BoardError(
            f"Debian no longer has {missing[0]} (of {len(missing)} locked packages); name a mirror"
            " with old versions by --mirror, or lock today's by --relock"
        )
    for path in folder.glob("*.deb"):
        if path.name not in digests:
            path.unlink()
    return Packages(folder, digests)


def relock(cache: Path, mirrors: tuple[str, ...] = ()) -> int:
    """Lock what Debian has today; return the number of packages."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        lines = [f"{sha256_of(path)}  {path.name}\n" for path in _download(Path(name), mirrors)]
    LOCK.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def read_lock(path: Path) -> dict[str, str]:
    """Return file name -> SHA-256 from a file as `sha256sum` writes it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _missing(folder: Path, digests: dict[str, str]) -> list[str]:
    return [
        name
        for name, digest in digests.items()
        if not (folder / name).is_file() or sha256_of(folder / name) != digest
    ]


def _download(folder: Path, mirrors: tuple[str, ...]) -> list[Path]:
    """Return all packages as apt resolves, fetches and verifies them, sorted by name."""
    names = (*INSTALLED, *UNPACKED)
    options = (
        *shlex.split("--quiet --variant=extract --skip=cleanup/apt --format=directory"),
        f"--architectures={ARCHITECTURE}",
        f"--components={COMPONENTS}",
        "--include=?essential",
        f"--include={','.join(names)}",
    )
    run_tool("mmdebstrap", *options, RELEASE, folder / "root", *mirrors)
    return sorted((folder / "root" / "var" / "cache" / "apt" / "archives").glob("*.deb"))
