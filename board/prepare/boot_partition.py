"""The boot partition of a card, whatever it lies in.

All changes go through `Card.change`: it finds out first whether they fit, puts every new file
beside the old one and only then renames, so that a failure leaves the card as it was.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import PurePosixPath

from board.device.content import Content, size_of
from board.errors import BoardError

CLUSTER = 32 * 1024
"""The largest unit in which FAT gives out room."""
RESERVE = 4 * 1024 * 1024
"""Room that stays free, for folders and for the system's own changes at boot."""


class BootPartition(ABC):
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
                " write the system to the card again, or remove what you put there"
            )
        self.replace(folder, inside, files, gone)


def _room(content: Content) -> int:
    return -(-size_of(content) // CLUSTER) * CLUSTER


def folders_of(paths: Mapping[str, Content]) -> list[str]:
    """Return the folders that `paths` lie in, the outer ones first."""
    found = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(found - {"."})
