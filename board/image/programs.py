"""The programs that make an image."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from board import programs
from board.errors import BoardError

PACKAGE_OF = {
    "arch-test": "arch-test",
    "bmaptool": "bmap-tools",
    "cpio": "cpio",
    "debugfs": "e2fsprogs",
    "depmod": "kmod",
    "dpkg-deb": "dpkg",
    "dpkg-scanpackages": "dpkg-dev",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mmdebstrap": "mmdebstrap",
    "sfdisk": "fdisk",
    "sqfstar": "squashfs-tools",
    "tar": "tar",
    "zstd": "zstd",
}
"""Each program's Debian package."""
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


def require_programs() -> None:
    """Raise BoardError, with the remedy, if a program is missing or none for arm64 can run."""
    missing = sorted(
        {package for name, package in PACKAGE_OF.items() if not shutil.which(name, path=_path())}
    )
    if missing:
        raise BoardError(f"an image needs more programs; apt install {' '.join(missing)}")
    try:
        run_tool("arch-test", "arm64")
    except BoardError as error:
        raise BoardError(
            "this machine cannot run programs for arm64; apt install qemu-user-static"
            " binfmt-support, then: update-binfmts --enable qemu-aarch64"
        ) from error


def run_tool(
    name: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> bytes:
    """Run one of the programs and return what it printed; raise BoardError if it fails."""
    env = {**os.environ, "PATH": _path(), "LC_ALL": "C", "TZ": "UTC", **(environment or {})}
    program = shutil.which(name, path=_path()) or name
    return programs.run([program, *arguments], package=PACKAGE_OF[name], env=env, stdin=stdin)


def _path() -> str:
    """Return PATH with the folders that ordinary users lack: nothing here needs root for them."""
    return f"{os.environ.get('PATH', '')}:{_SYSTEM_FOLDERS}"
