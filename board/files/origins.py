"""Where a file of our own package comes from, proven by its digest."""

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from board.bundle.debian_package import sha256_of

SOURCE = Path(__file__).parents[2]
OWN_FOLDERS = ("firmware_py", "board/service", "board/package")
SITE_PACKAGES = "/site-packages/"


class Origins:
    """The contents of wheels and of this source, by digest."""

    def __init__(self, wheels: Iterable[Path], source: Path = SOURCE) -> None:
        self._wheels: dict[tuple[str, str], str] = {}
        for wheel in wheels:
            self._add_wheel(wheel)
        self._own = {
            sha256_of(path): path.relative_to(source).as_posix()
            for folder in OWN_FOLDERS
            for path in sorted((source / folder).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def of(self, path: str, digest: str) -> str:
        """Return the origin of the file at `path`; one that is found nowhere was made here."""
        if digest in self._own:
            return f"own source {self._own[digest]}"
        wheel = self._wheels.get((path.rpartition("/")[2], digest))
        if wheel and SITE_PACKAGES in path:
            return f"wheel {wheel}"
        return "made by python -m board package"

    def _add_wheel(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            name = f"{wheel.name} (sha256 {sha256_of(wheel)})"
            for member in archive.namelist():
                digest = hashlib.sha256(archive.read(member)).hexdigest()
                self._wheels.setdefault((member.rpartition("/")[2], digest), name)


def locked_wheels(folder: Path) -> list[Path]:
    """Return the wheels that our package is made of, fetched into `folder` and hash-checked."""
    from board.package.wheels import PYTHONS, fetch_wheels

    return [wheel for python in PYTHONS for wheel in fetch_wheels(python, folder / python)]
