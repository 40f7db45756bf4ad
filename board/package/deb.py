"""A folder of files made into a .deb, the same bytes each time, without root."""

import hashlib
import os
import shlex
import subprocess
from pathlib import Path

from board.errors import BoardError

MODES = {
    "usr/bin/trigger-word": 0o755,
    "usr/lib/systemd/system-generators/trigger-word": 0o755,
    "etc/trigger-word.toml": 0o640,
    "etc/trigger-word.d": 0o2750,
    "DEBIAN/postinst": 0o755,
    "DEBIAN/prerm": 0o755,
    "DEBIAN/postrm": 0o755,
}
"""Where they are not the usual 644 of files and 755 of folders."""


def write_checksums(root: Path) -> None:
    """Write DEBIAN/md5sums, which `dpkg --verify` reads."""
    lines = []
    for path in _files(root):
        name = path.relative_to(root)
        if name.parts[0] not in ("DEBIAN", "etc") and not path.is_symlink():
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            lines.append(f"{digest}  {name}\n")
    (root / "DEBIAN" / "md5sums").write_text("".join(lines), encoding="utf-8")


def installed_kib(root: Path) -> int:
    """Return the size on disk in KiB, as Installed-Size counts it."""
    sizes = [path.lstat().st_size for path in _files(root) if not path.is_symlink()]
    return sum(-(-size // 1024) for size in sizes) + sum(1 for _ in root.rglob("*/"))


def pack(root: Path, deb: Path, epoch: int) -> None:
    """Pack `root` into `deb`; every file gets the time `epoch`, seconds since 1970."""
    for path in sorted(root.rglob("*"), reverse=True):
        if not path.is_symlink():
            usual = 0o755 if path.is_dir() else 0o644
            path.chmod(MODES.get(path.relative_to(root).as_posix(), usual))
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    root.chmod(0o755)
    os.utime(root, (epoch, epoch))
    # Higher levels take minutes for a tenth of the size; threads would change the bytes.
    options = shlex.split("--root-owner-group -Zxz -z2 --threads-max=1 --build")
    command = ["dpkg-deb", *options, str(root), str(deb)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BoardError("dpkg-deb is missing; install it with: apt install dpkg") from error
    if done.returncode:
        raise BoardError(f"dpkg-deb: {done.stderr.strip()}")


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())
