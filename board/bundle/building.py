"""Build a bundle: our package, what it depends on, an index for apt, the manifest."""

import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from board.bundle.archive import Archive, Fetched, copy_into
from board.bundle.debian_package import control_fields, sha256_of
from board.bundle.manifest import (
    OWN,
    PACKAGES,
    Bundle,
    BundledFile,
    BundleManifest,
    read_bundle,
    write_manifest,
)
from board.bundle.releases import ARCHITECTURE, Release
from board.cache import cache_folder
from board.errors import BoardError

log = logging.getLogger(__name__)


def archive_cache() -> Path:
    """Return the folder where indexes and fetched packages are kept between builds."""
    return cache_folder("archive")


def build_bundle(package: Path, release: Release, out: Path) -> Bundle:
    """Put `package` and all it needs on Debian `release` into the folder `out`.

    The folder appears complete or not at all; an earlier bundle there is replaced. Raises
    BoardError where the archive cannot be reached or cannot satisfy a dependency.
    """
    if out.exists() and not (out / "MANIFEST.json").exists() and any(out.iterdir()):
        raise BoardError(f"{out} holds something that is not a bundle; name a new folder")
    fetched = _fetch(package, release)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / out.name
        assemble(folder, package, release, fetched)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return read_bundle(out)


def assemble(folder: Path, package: Path, release: Release, fetched: Sequence[Fetched]) -> Bundle:
    """Fill `folder` with our package and the fetched ones, the index for apt, the manifest."""
    packages = folder / PACKAGES
    packages.mkdir(parents=True)
    ours = Path(shutil.copyfile(package, packages / package.name))
    origins = {ours: OWN, **{copy_into(each, packages): each.url for each in fetched}}
    files = tuple(_describe(folder, path, origin) for path, origin in origins.items())
    index = "\n".join(_stanza(path) for path in sorted(origins))
    (packages / "Packages").write_text(index, encoding="utf-8")
    (packages / "Release").write_text(_release(packages / "Packages"), encoding="utf-8")
    manifest = BundleManifest(release, architecture_of(package), files[0].version, files)
    write_manifest(folder, manifest)
    return Bundle(folder, manifest)


def architecture_of(package: Path) -> str:
    """Return what the device must be; a package for all is for a Pi."""
    named = control_fields(package).get("Architecture", "all")
    return ARCHITECTURE if named == "all" else named


def _fetch(package: Path, release: Release) -> list[Fetched]:
    archive = Archive(release, architecture_of(package), archive_cache())
    log.info("Debian %s: reading the index of the archive", release)
    archive.update()
    fetched = archive.fetch_dependencies(package)
    log.info("Debian %s: %d packages beside ours", release, len(fetched))
    return fetched


def _describe(folder: Path, path: Path, origin: str) -> BundledFile:
    fields = control_fields(path)
    return BundledFile(
        path=path.relative_to(folder).as_posix(),
        package=fields["Package"],
        version=fields["Version"],
        origin=origin,
        sha256=sha256_of(path),
        size=path.stat().st_size,
    )


def _release(index: Path) -> str:
    """Return what apt reads first: which index there is, and its digest."""
    return f"SHA256:\n {sha256_of(index)} {index.stat().st_size} {index.name}\n"


def _stanza(path: Path) -> str:
    """Return the entry of a package in the index that apt reads, as deb-src(5) has it."""
    place = {
        "Filename": f"./{path.name}",
        "Size": str(path.stat().st_size),
        "SHA256": sha256_of(path),
    }
    fields = {**control_fields(path), **place}
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
