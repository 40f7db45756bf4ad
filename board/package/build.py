"""Building trigger-word_VERSION_arm64.deb."""

import logging
import tempfile
import tomllib
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from board.package import deb, tree, wheels
from board.package.tree import SOURCE, TEXTS

DEBIAN = Path(__file__).parent / "debian"
MAINTAINER = "trigger-word maintainers <maintainers@trigger-word.invalid>"

log = logging.getLogger(__name__)


def project_version() -> str:
    """Return the version in pyproject.toml."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def release_time() -> datetime:
    """Return the time of the newest entry of the changelog: every file of the package has it."""
    lines = (TEXTS / "changelog").read_text(encoding="utf-8").splitlines()
    (last, *_) = (line for line in lines if line.startswith(" -- "))
    return parsedate_to_datetime(last.partition(">  ")[2])


def build_package(out: Path, version: str | None = None) -> Path:
    """Return the package, built into the folder `out`: the same inputs give the same bytes.

    version: of the package, instead of the project's.
    Raises BoardError when a wheel cannot be fetched or is not the locked one.
    """
    version = version or project_version()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trigger-word-") as name:
        work, root = Path(name), Path(name, "root")
        log.info("fetching the locked wheels")
        own = wheels.build_own_wheel(SOURCE, work / "own")
        found = {each: [*wheels.fetch_wheels(each, work / each), own] for each in wheels.PYTHONS}
        tree.lay_environment(root, found)
        tree.lay_system_files(root)
        released = release_time()
        tree.lay_documents(root, version, released.date())
        _write_control(root, version)
        path = out / f"trigger-word_{version}_arm64.deb"
        log.info("packing %s", path.name)
        deb.pack(root, path, int(released.timestamp()))
    return path


def _write_control(root: Path, version: str) -> None:
    installed = deb.installed_kib(root)
    folder = root / "DEBIAN"
    folder.mkdir()
    for source in DEBIAN.iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    control = (DEBIAN / "control").read_text(encoding="utf-8")
    (folder / "control").write_text(
        control.format(version=version, maintainer=MAINTAINER, installed_size=installed),
        encoding="utf-8",
    )
    deb.write_checksums(root)
