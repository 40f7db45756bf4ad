"""The boot partition in a folder that the workstation has mounted."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from board.device.content import Content, bytes_of
from board.prepare.boot_partition import BootPartition


class MountedCard(BootPartition):
    """A boot partition that the workstation has mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def names(self) -> frozenset[str]:
        return frozenset(path.name for path in self.folder.iterdir())

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def discard(self, folder: str) -> None:
        shutil.rmtree(self.folder / f"{folder}.new", ignore_errors=True)

    def replace(
        self,
        folder: str,
        inside: Mapping[str, Content],
        files: Mapping[str, bytes],
        gone: frozenset[str],
    ) -> None:
        new, old = self.folder / f"{folder}.new", self.folder / folder
        try:
            for name, content in inside.items():
                _write(new / name, content)
            for name, content in files.items():
                _write(self.folder / f"{name}.new", content)
        except OSError:
            self.discard(folder)
            for name in files:
                (self.folder / f"{name}.new").unlink(missing_ok=True)
            raise
        shutil.rmtree(old, ignore_errors=True)
        new.rename(old)
        for name in files:
            (self.folder / f"{name}.new").replace(self.folder / name)
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)
        _sync(self.folder)


def _write(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(bytes_of(content))
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
