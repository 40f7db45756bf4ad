"""Which kind of card a path names."""

from pathlib import Path

from board.errors import BoardError
from board.prepare.boot_partition import BootPartition
from board.prepare.image_card import ImageCard
from board.prepare.mounted_card import MountedCard


def open_card(path: Path) -> BootPartition:
    """Return the boot partition in a mounted folder or an image file; raises BoardError."""
    if path.is_dir():
        return MountedCard(path)
    if path.is_file():
        return ImageCard(path)
    if path.exists():
        raise BoardError(f"{path} is a device; mount its first partition and name that folder")
    raise BoardError(f"{path}: there is no such folder or image file; is the card mounted?")
