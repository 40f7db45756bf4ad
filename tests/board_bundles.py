"""Bundles with a small package in place of the real one, made by the real tools."""

import shutil
import subprocess
from pathlib import Path

import pytest

from board.bundle import Bundle, Release
from board.bundle.archive import Fetched
from board.bundle.building import assemble

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is missing")


def make_package(
    folder: Path,
    version: str = "0.1.0",
    architecture: str = "arm64",
    depends: str = "",
    files: dict[str, str] | None = None,
    scripts: dict[str, str] | None = None,
    conffiles: str = "",
    name: str = "trigger-word",
) -> Path:
    """Build a package; `scripts` are the maintainer's, such as postinst."""
    root = folder / f"{name}-{version}-root"
    shutil.rmtree(root, ignore_errors=True)
    control = root / "DEBIAN"
    control.mkdir(parents=True)
    needs = f"Depends: {depends}\n" if depends else ""
    (control / "control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: none <none@localhost>\n{needs}Description: a package for tests\n"
    )
    if conffiles:
        (control / "conffiles").write_text(conffiles)
    for script, text in (scripts or {}).items():
        (control / script).write_text(text)
        (control / script).chmod(0o755)
    for path, text in (files or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        (root / path).chmod(0o755 if "/bin/" in path else 0o644)
    deb = folder / f"{name}_{version}_{architecture}.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, deb]
    subprocess.run(command, check=True, capture_output=True)
    return deb


def make_bundle(folder: Path, package: Path, release: Release, *others: Path) -> Bundle:
    """Make a bundle of packages that are at hand."""
    pool = "http://deb.debian.org/debian/pool/main"
    return assemble(
        folder, package, release, [Fetched(deb, f"{pool}/{deb.name}") for deb in others]
    )
