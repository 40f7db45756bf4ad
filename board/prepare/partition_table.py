"""Where the boot partition of an image lies, as sfdisk reads its partition table."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from board.errors import BoardError
from board.programs import run

FAT_TYPES = frozenset({"1", "4", "6", "b", "c", "e"})
"""Of a partition table for the old BIOS, which Raspberry Pi OS has."""
GPT_TYPES = frozenset(
    {"EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}
)
"""Basic data and EFI system."""

XZ = b"\xfd7zXZ\x00"


@dataclass(frozen=True)
class Partition:
    """Where a partition lies in its image, in bytes."""

    offset: int
    size: int


def boot_partition(image: Path) -> Partition:
    """Return the first FAT partition; raises BoardError if the file is no image of a card."""
    with image.open("rb") as file:
        is_packed = file.read(len(XZ)) == XZ
    if is_packed:
        raise BoardError(f"{image} has no partition table; unpack it first: xz -d")
    try:
        table = json.loads(run(["sfdisk", "--json", image], package="fdisk"))["partitiontable"]
    except BoardError as error:
        raise BoardError(f"{image} has no partition table; name the image of a card") from error
    found = [row for row in table.get("partitions", ()) if _is_fat(row["type"])]
    if not found:
        raise BoardError(f"{image} has no FAT partition; name an image of Raspberry Pi OS")
    partition = _in_bytes(found[0], table["sectorsize"])
    if partition.offset + partition.size > image.stat().st_size:
        raise BoardError(f"{image} ends inside its boot partition; download it again")
    return partition


def _is_fat(kind: str) -> bool:
    return kind.lower() in FAT_TYPES or kind.upper() in GPT_TYPES


def _in_bytes(row: dict[str, Any], sector_bytes: int) -> Partition:
    return Partition(row["start"] * sector_bytes, row["size"] * sector_bytes)
