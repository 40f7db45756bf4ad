"""The files in the packages of a bundle, and those that come with the first boot."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from board.bundle import Bundle
from board.bundle.debian_package import sha256_of
from board.bundle.manifest import OWN
from board.device.kit import FOLDER as DEVICE
from board.device.kit import INSTALL_SCRIPTS
from board.files.origins import SOURCE, Origins
from board.prepare.preparing import FOLDER, SCRIPTS
from board.programs import run


@dataclass(frozen=True)
class DeviceFile:
    """A file on a device."""

    release: str
    path: str
    origin: str
    """A wheel, a Debian package, or a file of this project."""
    sha256: str
    """Empty for a link."""
    link_to: str = ""


def device_files(bundle: Bundle, origins: Origins) -> Iterator[DeviceFile]:
    """Yield every file that `bundle` puts on a device, package by package."""
    release = bundle.manifest.release
    for each in bundle.manifest.files:
        package = f"Debian package {each.package} {each.version} ({each.origin})"
        for path, digest, link in package_files(bundle.folder / each.path):
            own = each.origin == OWN
            yield DeviceFile(
                release, path, origins.of(path, digest) if own else package, digest, link
            )
    for script in (DEVICE / name for name in (*INSTALL_SCRIPTS, *SCRIPTS)):
        origin = f"own source {script.relative_to(SOURCE)}"
        place = f"/boot/firmware/{FOLDER}/{script.name}"
        yield DeviceFile(release, place, origin, sha256_of(script))


def package_files(deb: Path) -> Iterator[tuple[str, str, str]]:
    """Yield path, SHA-256 and target (of a link) of the files in a package."""
    content = run(["dpkg-deb", "--fsys-tarfile", deb], package="dpkg")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        digests: dict[str, str] = {}
        for member in archive:
            path = "/" + member.name.removeprefix("./")
            if member.isfile():
                file = archive.extractfile(member)
                assert file
                digests[path] = hashlib.sha256(file.read()).hexdigest()
                yield path, digests[path], ""
            elif member.islnk():
                yield path, digests["/" + member.linkname.removeprefix("./")], ""
            elif member.issym():
                yield path, "", member.linkname
