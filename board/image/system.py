"""The root file system: locked packages, configured under emulation, then our own files."""

import hashlib
import logging
import os
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from board.bundle.debian_package import sha256_of
from board.errors import BoardError
from board.image.kernel import MODULES, Kernel
from board.image.packages import ARCHITECTURE, INSTALLED, RELEASE, Packages
from board.image.programs import run_tool

FILES = Path(__file__).parent / "files"
"""Laid over the installed packages."""

LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
KEPT = ("/usr/share/doc/*/copyright", "/usr/share/doc/trigger-word/*")
"""Despite `LEFT_OUT`: licences."""

OTHER_PYTHON = "/opt/trigger-word/lib/python3.13/*"
"""In our package for the next Debian."""

UNUSED_UNITS = (
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "ssh.service",
    "systemd-networkd.service",
    "systemd-timesyncd.service",
    "wpa_supplicant.service",
)
"""Not started unless the site asks: nothing listens on the network by default."""

MADE_BY_CHANCE = (
    "etc/machine-id",
    "etc/ssh/ssh_host_*",
    "var/lib/systemd/random-seed",
    "var/cache/ldconfig/aux-cache",
    "var/cache/debconf/*-old",
    "var/log/*",
    "etc/apt/sources.list*",
    "var/lib/apt/lists/*",
    "var/cache/apt/*",
)
"""Removed: keys and names that each device makes for itself, caches, logs."""

MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"

STATE = "state"
"""Where `init.sh` mounts the third partition."""

FIRMWARE = "usr/lib/firmware"

log = logging.getLogger(__name__)


def debian_archive(packages: Packages, cache: Path, epoch: int) -> Path:
    """Return a tar archive of Debian with `INSTALLED`, kept in `cache` for the same packages."""
    key = _digest([repr(packages.digests), repr((INSTALLED, LEFT_OUT, KEPT, epoch))])
    path = cache / f"debian-{key}.tar"
    if path.exists():
        return path
    log.info("installing %d packages on an emulated processor; this takes minutes", len(INSTALLED))
    for old in cache.glob("debian-*.tar"):
        old.unlink()
    with tempfile.TemporaryDirectory(dir=cache) as name:
        repository = Path(name)
        _write_repository(repository, packages)
        part = repository / "debian.tar"
        _mmdebstrap(
            cache / "debian.log",
            "--variant=essential",
            f"--hook-dir={MERGED_USR}",
            f"--include={','.join(INSTALLED)}",
            *_exclusions(),
            RELEASE,
            part,
            f"deb [trusted=yes] copy:{repository} ./",
            epoch=epoch,
        )
        part.rename(path)
    return path


def write_system_archive(
    path: Path, debian: Path, kernel: Kernel, firmware: Path, own: Path, epoch: int
) -> None:
    """Write the finished root file system as a tar archive.

    debian: what `debian_archive` gives. firmware: a package with Wi-Fi firmware. own: the
    trigger-word package.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        laid = Path(name, "laid")
        shutil.copytree(FILES, laid, symlinks=True)
        (laid / STATE).mkdir()
        _copy_modules(kernel, laid)
        _copy_firmware(firmware, Path(name, "firmware"), laid)
        _settle(laid, epoch)
        archive = Path(name, "laid.tar")
        options = shlex.split("--create --sort=name --owner=0 --group=0 --numeric-owner")
        run_tool("tar", *options, f"--file={archive}", f"--directory={laid}", ".")
        _mmdebstrap(
            path.with_suffix(".log"),
            "--variant=custom",
            "--skip=update,check/empty",
            f"--setup-hook=tar-in {debian} /",
            f"--customize-hook=copy-in {own} /tmp",
            f'--customize-hook=chroot "$1" dpkg --path-exclude="{OTHER_PYTHON}"'
            f" --install /tmp/{own.name}",
            f'--customize-hook=rm "$1"/tmp/{own.name}',
            f"--customize-hook=tar-in {archive} /",
            f'--customize-hook=chroot "$1" systemctl --quiet disable {" ".join(UNUSED_UNITS)}',
            f'--customize-hook=cd "$1" && rm -rf {" ".join(MADE_BY_CHANCE)} && : >etc/machine-id',
            *_exclusions(),
            RELEASE,
            path,
            "",
            epoch=epoch,
        )


def files_digest(parts: Sequence[Path]) -> str:
    """Return one digest of files and folders, names included."""
    files = [
        file
        for part in parts
        for file in ([part] if part.is_file() else sorted(part.rglob("*")))
        if file.is_file()
    ]
    return _digest([f"{file.name}:{file.stat().st_mode}:{sha256_of(file)}" for file in files])


def _write_repository(folder: Path, packages: Packages) -> None:
    """Make a repository for apt of exactly the locked packages."""
    for package in packages.digests:
        os.link(packages.folder / package, folder / package.replace("%3a", "_"))
    index = run_tool("dpkg-scanpackages", "--multiversion", folder).replace(
        f"{folder}/".encode(), b""
    )
    (folder / "Packages").write_bytes(index)
    entry = f"{hashlib.sha256(index).hexdigest()} {len(index)} Packages"
    (folder / "Release").write_text(
        f"Suite: {RELEASE}\nCodename: {RELEASE}\nArchitectures: {ARCHITECTURE} all\n"
        f"Date: Thu, 01 Jan 1970 00:00:00 UTC\nSHA256:\n {entry}\n"
    )


def _mmdebstrap(record: Path, *arguments: str | Path, epoch: int) -> None:
    try:
        run_tool(
            "mmdebstrap",
            f"--architectures={ARCHITECTURE}",
            "--format=tar",
            f"--logfile={record}",
            *arguments,
            environment={"SOURCE_DATE_EPOCH": str(epoch)},
        )
    except BoardError as error:
        raise BoardError(f"{error}; {record} tells the story") from error


def _exclusions() -> list[str]:
    return [
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        *(f"--dpkgopt=path-include={pattern}" for pattern in KEPT),
    ]


def _copy_modules(kernel: Kernel, root: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        kernel.copy_modules(MODULES, Path(name))
        shutil.copytree(Path(name, "lib", "modules"), root / "usr" / "lib" / "modules")


def _copy_firmware(package: Path, unpacked: Path, root: Path) -> None:
    run_tool("dpkg-deb", "--extract", package, unpacked)
    shutil.copytree(unpacked / "lib" / "firmware", root / FIRMWARE, symlinks=True)


def _settle(root: Path, epoch: int) -> None:
    """Give all files one time, and modes that do not depend on who has made them."""
    for path in sorted(root.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    root.chmod(0o755)
    os.utime(root, (epoch, epoch))


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
