"""Where a file of our own package comes from, proven by its digest."""

import hashlib
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from board.bundle.debian_package import sha256_of

SOURCE = Path(__file__).parents[2]
OWN_FOLDERS = ("firmware_py", "board/service", "board/package")
SITE_PACKAGES = "/site-packages/"

MADE = "made by python -m board package"
OTHER_VERSION = "own source, but of another version than the one here"


class Origins:
    """The contents of wheels and of this source, by digest."""

    def __init__(self, wheels: Iterable[Path], source: Path = SOURCE) -> None:
        """
        wheels: each in a folder named as the Python it is for, such as 3.13.
        """
        self._wheels: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for wheel in wheels:
            self._add_wheel(wheel)
        found = (path for folder in OWN_FOLDERS for path in sorted((source / folder).rglob("*")))
        own = (path for path in found if path.is_file() and "__pycache__" not in path.parts)
        self._own = {
            sha256_of(path): path.relative_to(source).as_posix()
            for path in (source / "LICENSE", *own)
        }

    def of(self, path: str, digest: str) -> str:
        """Return the origin of the file at `path`; one that is found nowhere was made here."""
        if digest in self._own:
            return f"own source {self._own[digest]}"
        _, inside, module = path.partition(SITE_PACKAGES)
        wheels = self._wheels.get((path.rpartition("/")[2], digest), {})
        if inside and wheels:
            same = (wheel for python, wheel in wheels.items() if f"/python{python}/" in path)
            return f"wheel {next(same, next(iter(wheels.values())))}"
        return OTHER_VERSION if module.startswith("firmware_py/") else MADE

    def _add_wheel(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            name = f"{wheel.name} (sha256 {sha256_of(wheel)})"
            for member in archive.namelist():
                digest = hashlib.sha256(archive.read(member)).hexdigest()
                self._wheels[member.rpartition("/")[2], digest][wheel.parent.name] = name


def locked_wheels(folder: Path) -> list[Path]:
    """Return the wheels that our package is made of, fetched into `folder` and hash-checked."""
    from board.package.wheels import PYTHONS, fetch_wheels

    return [wheel for python in PYTHONS for wheel in fetch_wheels(python, folder / python)]
