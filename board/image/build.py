"""Building the image from locked packages, our own package and the options of a site."""

import logging
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from board.bundle.debian_package import sha256_of
from board.image.boot import boot_files
from board.image.kernel import Kernel, unpack_kernel
from board.image.packages import LOCK, Packages, locked_packages
from board.image.partitions import write_boot, write_disk, write_system
from board.image.programs import require_programs, run_tool
from board.image.site import SiteOptions
from board.image.state import write_state
from board.image.system import FILES, debian_archive, files_digest, write_system_archive

NAME = "trigger-word.img"
EPOCH = 1763683200
"""The time of all that is in the image: 21 November 2025."""
COMPRESSION = "-12"
SYSTEM_SOURCES = ("system.py", "kernel.py", "packages.py")
"""The modules that decide what the root file system is."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Image:
    """A finished image and what goes with it."""

    file: Path
    """For `zstdcat | dd`, bmaptool or Raspberry Pi Imager."""
    block_map: Path
    """What bmaptool need not write, and digests of what it writes."""
    digests: Path
    """As `sha256sum --check` reads it."""
    manifest: Path
    """Each package with its digest, and our own."""
    bytes: int
    """On the card."""
    sha256: str
    """Of the image before compression."""


def build_image(
    out: Path, own: Path, site: SiteOptions, cache: Path, mirrors: tuple[str, ...] = ()
) -> Image:
    """Return the image, built into `out`: the same inputs make the same bytes.

    own: the trigger-word package. cache: kept between builds. Raises BoardError or SettingsError.
    """
    require_programs()
    changes = site.changes()
    packages = locked_packages(cache, mirrors)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".image-") as name:
        work = Path(name)
        kernel = unpack_kernel(packages.file("linux-image-[0-9]*"), work / "kernel")
        system = _system(packages, kernel, own, cache)
        log.info("writing the partitions")
        write_system(work / "system", system, EPOCH)
        write_state(work / "state", changes, _groups(system), EPOCH)
        write_boot(work / "boot", boot_files(packages, kernel, work / "boot-files", EPOCH), EPOCH)
        write_disk(work / NAME, work / "boot", work / "system", work / "state")
        return _finish(work / NAME, out, packages, own)


def _system(packages: Packages, kernel: Kernel, own: Path, cache: Path) -> Path:
    """Return the root file system, kept in `cache` for the same inputs."""
    inputs = (LOCK, own, FILES, *(Path(__file__).with_name(name) for name in SYSTEM_SOURCES))
    path = cache / f"system-{files_digest(inputs)}.tar"
    if not path.exists():
        debian = debian_archive(packages, cache, EPOCH)
        log.info("installing trigger-word")
        for old in cache.glob("system-*.tar"):
            old.unlink()
        part = cache / "part.tar"
        firmware = packages.file("firmware-brcm80211")
        write_system_archive(part, debian, kernel, firmware, own, EPOCH)
        part.rename(path)
    return path


def _groups(system: Path) -> dict[str, int]:
    with tarfile.open(system) as archive:
        file = archive.extractfile("./etc/group")
        lines = file.read().decode().splitlines() if file else []
    return {name: int(number) for name, _, number, *_ in (line.split(":") for line in lines)}


def _finish(disk: Path, out: Path, packages: Packages, own: Path) -> Image:
    """Compress the image and write what goes with it; each file appears complete."""
    log.info("compressing")
    folder = disk.parent
    compressed, block_map = folder / f"{NAME}.zst", folder / f"{NAME}.bmap"
    digests, manifest = folder / f"{NAME}.sha256", folder / f"{NAME}.manifest"
    run_tool("bmaptool", "--quiet", "create", "--output", block_map, disk)
    run_tool("zstd", "--quiet", COMPRESSION, "--single-thread", "-o", compressed, disk)
    entries = {**packages.digests, own.name: sha256_of(own)}
    manifest.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(entries.items())))
    sums = {path.name: sha256_of(path) for path in (disk, compressed, block_map, manifest)}
    digests.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    size = disk.stat().st_size
    for path in (compressed, block_map, manifest, digests):
        path.replace(out / path.name)
    return Image(
        out / compressed.name,
        out / block_map.name,
        out / digests.name,
        out / manifest.name,
        size,
        sums[disk.name],
    )
