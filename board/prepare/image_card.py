"""The boot partition inside an image file, by mtools: neither root nor a loop device is needed.

The work is done on a copy of the partition; only when all of it has succeeded the blocks that
changed are written back.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from board.device.content import Content, bytes_of
from board.errors import BoardError
from board.prepare.boot_partition import BootPartition, folders_of
from board.prepare.partition_table import Partition, boot_partition
from board.programs import run

BLOCK = 1 << 20

COPYING = ["mcopy", "-o", "-m", "-s"]


class ImageCard(BootPartition):
    """The first FAT partition of an image file."""

    def __init__(self, image: Path) -> None:
        self.image = image
        self.partition = boot_partition(image)

    def __str__(self) -> str:
        return str(self.image)

    def names(self) -> frozenset[str]:
        listing = self._mtools("mdir", "-b", "::/").decode(errors="replace")
        return frozenset(line.strip("/").rpartition("/")[2] for line in listing.split("\n") if line)

    def read(self, path: str) -> bytes:
        return self._mtools("mtype", f"::/{path}")

    def free_bytes(self) -> int:
        listing = self._mtools("mdir", "::/").decode(errors="replace")
        found = re.search(r"([\d ]+) bytes free", listing)
        if not found:
            raise BoardError(f"{self.image}: mtools does not tell the free room; is it damaged?")
        return int(found[1].replace(" ", ""))

    def replace(
        self,
        folder: str,
        inside: Mapping[str, Content],
        files: Mapping[str, bytes],
        gone: frozenset[str],
    ) -> None:
        with tempfile.TemporaryDirectory(dir=self.image.parent, prefix=".prepare-") as temporary:
            copy, tree = Path(temporary) / "boot.fat", Path(temporary) / "tree"
            _copy_out(self.image, self.partition, copy)
            _make_tree(tree, folder, inside, files)
            present = self.names()
            if folder in present:
                _on(copy, "mdeltree", f"::/{folder}")
            for name in sorted((gone | set(files)) & present):
                _on(copy, "mdel", f"::/{name}")
            run([*COPYING, "-i", copy, *sorted(tree.iterdir()), "::/"], package="mtools")
            _copy_changes_back(copy, self.image, self.partition)

    def _mtools(self, program: str, *arguments: str) -> bytes:
        return run(
            [program, "-i", f"{self.image}@@{self.partition.offset}", *arguments],
            package="mtools",
            env=self._environment,
        )

    @cached_property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"}


def _on(copy: Path, program: str, *arguments: str) -> None:
    run([program, "-i", copy, *arguments], package="mtools")


def _make_tree(
    tree: Path, folder: str, inside: Mapping[str, Content], files: Mapping[str, bytes]
) -> None:
    """Lay out in `tree` what mcopy is to copy to the top of the partition."""
    everything = {**{f"{folder}/{name}": content for name, content in inside.items()}, **files}
    tree.mkdir()
    for each in folders_of(everything):
        (tree / each).mkdir()
    for name, content in everything.items():
        (tree / name).write_bytes(bytes_of(content))


def _copy_out(image: Path, partition: Partition, copy: Path) -> None:
    """Copy the partition to a file of its own; runs of zeros take no room there."""
    with image.open("rb") as source, copy.open("wb") as target:
        source.seek(partition.offset)
        for start in range(0, partition.size, BLOCK):
            block = source.read(min(BLOCK, partition.size - start))
            if block.strip(b"\0"):
                target.seek(start)
                target.write(block)
        target.truncate(partition.size)


def _copy_changes_back(copy: Path, image: Path, partition: Partition) -> None:
    with copy.open("rb") as source, image.open("r+b") as target:
        for start in range(0, partition.size, BLOCK):
            new = source.read(BLOCK)
            target.seek(partition.offset + start)
            if target.read(len(new)) != new:
                target.seek(partition.offset + start)
                target.write(new)
        target.flush()
        os.fsync(target.fileno())
