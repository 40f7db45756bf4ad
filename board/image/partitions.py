"""The card and its partitions, made from files without mounting anything."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from board.image.programs import run_tool

MEGABYTE = 1 << 20
BOOT_BYTES = 128 * MEGABYTE
SECTOR = 512
START_BYTES = 4 * MEGABYTE

DISK_ID = "74726967"
"""In the partition table; the kernel's command line finds the card by it."""
BOOT_ID = "74726967"


def write_boot(path: Path, files: Mapping[str, Path], epoch: int) -> None:
    """Write the FAT partition that the Pi's firmware reads. files: name there -> file here."""
    make_empty(path, BOOT_BYTES)
    run_tool("mkfs.vfat", "-F", "32", "-n", "BOOT", "-i", BOOT_ID, "--invariant", path)
    with tempfile.TemporaryDirectory() as name:
        staged = [
            Path(shutil.copyfile(files[target], Path(name, target))) for target in sorted(files)
        ]
        for file in staged:
            os.utime(file, (epoch, epoch))
        run_tool("mcopy", "-m", "-i", path, *staged, "::/", environment=at(epoch))


def write_system(path: Path, archive: Path, epoch: int) -> None:
    """Write a root file system, a tar archive, as squashfs: nothing can ever write to it.

    LZ4 costs the processor least, at each start of a program.
    """
    path.unlink(missing_ok=True)
    options = (
        "-comp lz4 -b 128K -root-mode 755 -root-uid 0 -root-gid 0 -reproducible -quiet -no-progress"
    )
    content = archive.read_bytes()
    run_tool("sqfstar", *shlex.split(options), path, stdin=content, environment=at(epoch))


def write_disk(path: Path, boot: Path, system: Path, state: Path) -> None:
    """Write the card: a partition table and its partitions, with holes for what is empty."""
    start = START_BYTES
    script = f"label: dos\nlabel-id: 0x{DISK_ID}\nunit: sectors\n"
    places = []
    for partition, kind in ((boot, "c"), (system, "83"), (state, "83")):
        size = _rounded(partition.stat().st_size)
        script += f"start={start // SECTOR}, size={size // SECTOR}, type={kind}\n"
        places.append((start, partition))
        start += size
    make_empty(path, start)
    run_tool("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path, stdin=script.encode())
    with path.open("r+b") as disk:
        for place, partition in places:
            with partition.open("rb") as source:
                for number, block in enumerate(iter(lambda: source.read(MEGABYTE), b"")):
                    if block.strip(b"\0"):
                        disk.seek(place + number * MEGABYTE)
                        disk.write(block)


def make_empty(path: Path, size: int) -> None:
    """Make a file of one hole."""
    with path.open("wb") as file:
        file.truncate(size)


def _rounded(size: int) -> int:
    return -(-size // START_BYTES) * START_BYTES


def at(epoch: int) -> dict[str, str]:
    """Return the environment in which programs take `epoch` for the time."""
    return {"SOURCE_DATE_EPOCH": str(epoch), "E2FSPROGS_FAKE_TIME": str(epoch)}
