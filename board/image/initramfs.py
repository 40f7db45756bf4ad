"""The RAM disk that mounts the card: busybox, some modules and `init.sh`."""

import gzip
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from board.image.kernel import START_MODULES, Kernel
from board.image.programs import run_tool

INIT = Path(__file__).with_name("init.sh")


def write_initramfs(path: Path, kernel: Kernel, busybox: Path, epoch: int) -> None:
    """Write the RAM disk. busybox: a busybox-static package for arm64."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, "root")
        (root / "bin").mkdir(parents=True)
        unpacked = Path(name, "busybox")
        run_tool("dpkg-deb", "--extract", str(busybox), str(unpacked))
        shutil.copy(unpacked / "bin" / "busybox", root / "bin" / "busybox")
        shutil.copy(INIT, root / "init")
        (root / "init").chmod(0o755)
        kernel.copy_modules(START_MODULES, root)
        path.write_bytes(gzip.compress(_archive(root, epoch), 9, mtime=epoch))


def _archive(root: Path, epoch: int) -> bytes:
    """Return a cpio archive of a folder, all of it root's and of one time."""
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    for name in names:
        os.utime(root / name, (epoch, epoch), follow_symlinks=False)
    options = shlex.split("--create --format=newc --reproducible --owner=0:0 --null --quiet")
    return run_tool(
        "cpio",
        *options,
        f"--directory={root}",
        stdin="".join(f"{name}\0" for name in names).encode(),
    )
