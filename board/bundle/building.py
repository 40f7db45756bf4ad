"""Build a bundle: our package, what it depends on, an index for apt, the manifest."""

import logging
import os
import shutil
import tempfile
from pathlib import Path

from board.bundle.archive import Archive, copy_into
from board.bundle.debian_package import control_fields, sha256_of
from board.bundle.manifest import (
    OWN,
    PACKAGES,
    Bundle,
    BundledFile,
    Manifest,
    read_bundle,
    write_manifest,
)
from board.bundle.releases import ARCHITECTURE, Release
from board.errors import BoardError

log = logging.getLogger(__name__)


def archive_cache() -> Path:
    """Return the folder where indexes and fetched packages are kept between builds."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trigger-word" / "archive"


def build_bundle(package: Path, release: Release, out: Path) -> Bundle:
    """Put `package` and all it needs on Debian `release` into the folder `out`.

    The folder appears complete or not at all; an earlier bundle there is replaced. Raises
    BoardError where the archive cannot be reached or cannot satisfy a dependency.
    """
    if out.exists() and not (out / "MANIFEST.json").exists() and any(out.iterdir()):
        raise BoardError(f"{out} holds something that is no bundle; name a new folder")
    architecture = control_fields(package).get("Architecture")
    if architecture not in (ARCHITECTURE, "all"):
        raise BoardError(f"{package} is for {architecture}; a Pi needs {ARCHITECTURE}")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / out.name
        _fill(folder, package, release)
        read_bundle(folder)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return read_bundle(out)


def _fill(folder: Path, package: Path, release: Release) -> None:
    packages = folder / PACKAGES
    packages.mkdir(parents=True)
    archive = Archive(release, archive_cache())
    log.info("Debian %s: reading the index of the archive", release)
    archive.update()
    fetched = archive.fetch_dependencies(package)
    log.info("Debian %s: %d packages beside ours", release, len(fetched))
    origins = {copy_into(each, packages): each.url for each in fetched}
    ours = Path(shutil.copyfile(package, packages / package.name))
    files = [_describe(folder, ours, OWN), *(_describe(folder, *item) for item in origins.items())]
    (packages / "Packages").write_text(
        "\n".join(_stanza(path) for path in sorted([ours, *origins])), encoding="utf-8"
    )
    write_manifest(folder, Manifest(release, ARCHITECTURE, files[0].version, tuple(files)))


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


def _stanza(path: Path) -> str:
    """Return the entry of a package in the index that apt reads, as deb-src(5) has it."""
    place = {
        "Filename": f"./{path.name}",
        "Size": str(path.stat().st_size),
        "SHA256": sha256_of(path),
    }
    fields = {**control_fields(path), **place}
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
