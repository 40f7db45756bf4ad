"""The manifest: each file of a bundle with its origin and digest."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from board.bundle.debian_package import sha256_of
from board.bundle.releases import Release
from board.errors import BoardError
from firmware_py.reading.bounds import shown_value
from firmware_py.reading.files import read_file, refused_as
from firmware_py.schema import from_mapping, to_mapping

MANIFEST = "MANIFEST.json"
MOST_MANIFEST_BYTES = 2**20
PACKAGES = "packages"
_PACKAGE = re.compile(rf"{PACKAGES}/[\w.+~%:-]{{1,200}}\.deb", re.ASCII)

OWN = "this project"
"""The origin of what is built here."""


@dataclass(frozen=True)
class BundledFile:
    """A package in the bundle."""

    path: str
    """Below the bundle's folder."""
    package: str
    version: str
    origin: str
    """Where it was fetched, or that it was built here."""
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class BundleManifest:
    """What MANIFEST.json says."""

    release: Release
    architecture: str
    version: str
    """Of trigger-word."""
    files: tuple[BundledFile, ...]


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk, verified."""

    folder: Path
    manifest: BundleManifest

    @property
    def files(self) -> tuple[Path, ...]:
        """Return all files, the manifest and the index among them."""
        return (
            self.folder / MANIFEST,
            self.folder / PACKAGES / "Packages",
            self.folder / PACKAGES / "Release",
            *(self.folder / each.path for each in self.manifest.files),
        )

    @property
    def package(self) -> Path:
        """Return the file of trigger-word itself."""
        return next(self.folder / each.path for each in self.manifest.files if each.origin == OWN)


def write_manifest(folder: Path, manifest: BundleManifest) -> None:
    text = json.dumps(to_mapping(manifest), indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in `folder`; raises BoardError if a file is missing or altered."""
    path = folder / MANIFEST
    remedy = f"make it again with: python -m board bundle --out {folder}"
    if not path.exists():
        raise BoardError(f"{folder} is not a bundle: it has no {MANIFEST}; {remedy}")
    text = read_file(path, "list of files", MOST_MANIFEST_BYTES, BoardError)
    with refused_as(BoardError, f"{path} is damaged, {remedy}"):
        manifest = from_mapping(BundleManifest, json.loads(text), str(path))
    if not any(each.origin == OWN for each in manifest.files):
        raise BoardError(f"{path} names no package of {OWN}; {remedy}")
    bundle = Bundle(folder, manifest)
    for each in bundle.manifest.files:
        file = folder / each.path
        if not _PACKAGE.fullmatch(each.path):
            raise BoardError(f"{path}: {shown_value(each.path)} is no package's file; {remedy}")
        if not file.is_file():
            raise BoardError(f"{folder} lacks {each.path}; {remedy}")
        if sha256_of(file) != each.sha256:
            raise BoardError(f"{file} is not what {MANIFEST} says; {remedy}")
    return bundle
