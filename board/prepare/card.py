"""The boot partition of a card: a mounted folder, or inside an image file.

All changes go through `Card.change`: it finds out first whether they fit, puts every new file
beside the old one and only then renames, so that a failure leaves the card as it was.
"""

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from board.device.content import Content, bytes_of, size_of
from board.errors import BoardError

CLUSTER = 32 * 1024
"""The largest unit in which FAT gives out room."""
RESERVE = 4 * 1024 * 1024
"""Room that stays free, for folders and for the system's own changes at boot."""


class Card(ABC):
    """A boot partition; paths are relative to it, with `/` between folders."""

    @abstractmethod
    def names(self) -> frozenset[str]:
        """Return the names of the files and folders at the top."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return the content of a file."""

    @abstractmethod
    def free_bytes(self) -> int:
        """Return the room that is left."""

    @abstractmethod
    def replace(
        self,
        folder: str,
        inside: Mapping[str, Content],
        files: Mapping[str, bytes],
        gone: frozenset[str],
    ) -> None:
        """Make `folder` hold exactly `inside`, then write `files` and remove `gone`, in order."""

    def discard(self, folder: str) -> None:  # noqa: B027 - most cards have nothing to discard
        """Remove what a broken-off attempt to replace `folder` left."""

    def text(self, name: str) -> str:
        """Return a text file at the top; empty if there is none."""
        return self.read(name).decode(errors="surrogateescape") if name in self.names() else ""

    def change(
        self,
        folder: str,
        inside: Mapping[str, Content],
        files: Mapping[str, bytes],
        gone: frozenset[str] = frozenset(),
    ) -> None:
        """Replace a folder and some files at the top, or raise BoardError and change nothing."""
        self.discard(folder)
        needed = sum(map(_room, (*inside.values(), *files.values()))) + RESERVE
        free = self.free_bytes()
        if needed > free:
            raise BoardError(
                f"{self} has {free / 1e6:.0f} MB free and {needed / 1e6:.0f} MB are needed;"
                " write the system to the card anew, or remove what you put there"
            )
        self.replace(folder, inside, files, gone)


class MountedCard(Card):
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


def open_card(path: Path) -> Card:
    """Return the boot partition in a mounted folder or an image file; raises BoardError."""
    from board.prepare.image_card import ImageCard

    if path.is_dir():
        return MountedCard(path)
    if path.is_file():
        return ImageCard(path)
    if path.exists():
        raise BoardError(f"{path} is a device; mount its first partition and name that folder")
    raise BoardError(f"{path}: there is no such folder or image file; is the card mounted?")


def _room(content: Content) -> int:
    return -(-size_of(content) // CLUSTER) * CLUSTER


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


def folders_of(paths: Mapping[str, Content]) -> list[str]:
    """Return the folders that `paths` lie in, the outer ones first."""
    found = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(found - {"."})
