"""A RAM disk for an emulated board: Debian's files, Python packages and our own, as one cpio."""

import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

UNUSED = ("./boot/", "./usr/lib/modules/", "./usr/share/", "./usr/lib/debug/", "./var/")
"""Folders of Debian's that no benchmark reads."""
ALIGNMENT = 4
_END = "TRAILER!!!"


@dataclass(frozen=True)
class ArchiveEntry:
    """A file, folder, link or device node."""

    name: str
    mode: int
    """Type and permissions, as in `stat`."""
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def write_initrd(path: Path, debian: Path, folders: Mapping[str, Path], init: bytes) -> None:
    """Write the RAM disk, in the kernel's "newc" form.

    debian: a tar archive of a root file system. folders: what else goes in, by its place there.
    init: the program that the kernel starts.
    Source of the form: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
    """
    with path.open("wb") as file:
        number = 0
        for entry in _entries(debian, folders, init):
            number += 1
            _write(file, entry, number)
        _write(file, ArchiveEntry(_END, 0), number + 1)


def _entries(debian: Path, folders: Mapping[str, Path], init: bytes) -> Iterator[ArchiveEntry]:
    with tarfile.open(debian) as archive:
        for member in archive:
            if not member.name.startswith(UNUSED):
                yield _of_member(archive, member)
    for place, folder in folders.items():
        yield from _of_folder(place, folder)
    yield ArchiveEntry("init", stat.S_IFREG | 0o755, init)


def _of_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> ArchiveEntry:
    name = member.name.removeprefix("./")
    if member.isdir():
        return ArchiveEntry(name, stat.S_IFDIR | member.mode)
    if member.issym():
        return ArchiveEntry(name, stat.S_IFLNK | 0o777, member.linkname.encode())
    if member.ischr():
        return ArchiveEntry(
            name, stat.S_IFCHR | member.mode, device=(member.devmajor, member.devminor)
        )
    source = archive.extractfile(member)  # follows hard links
    return ArchiveEntry(name, stat.S_IFREG | member.mode, source.read() if source else b"")


def _of_folder(place: str, folder: Path) -> Iterator[ArchiveEntry]:
    parts = place.split("/")
    for depth in range(1, len(parts) + 1):
        yield ArchiveEntry("/".join(parts[:depth]), stat.S_IFDIR | 0o755)
    for path in sorted(folder.rglob("*")):
        if "__pycache__" in path.parts:
            continue
        name = f"{place}/{path.relative_to(folder)}"
        if path.is_dir():
            yield ArchiveEntry(name, stat.S_IFDIR | 0o755)
        else:
            yield ArchiveEntry(name, stat.S_IFREG | 0o755, path.read_bytes())


def _write(file: BinaryIO, entry: ArchiveEntry, number: int) -> None:
    name = entry.name.encode() + b"\0"
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    file.write(_padded(header + name))
    file.write(_padded(entry.content))


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % ALIGNMENT)
