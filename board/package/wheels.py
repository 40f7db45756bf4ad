"""The Python packages on the device: pinned wheels, fetched with their hashes and unpacked."""

import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

from board.errors import BoardError

LOCKS = Path(__file__).parent / "locks"
PYTHONS = ("3.11", "3.13")
"""Of Debian 12 and 13, and of Raspberry Pi OS beside them."""
GLIBC = range(17, 37)
"""Minor versions of glibc that a wheel may be built for; Debian 12 has 2.36."""
LEFT_OUT = ("tests", "__pycache__", "RECORD")
"""Folders and files that the device never reads. RECORD would list what is not there."""


def fetch_wheels(python: str, folder: Path) -> list[Path]:
    """Return the locked wheels for arm64 and `python`, fetched into `folder`, sorted.

    Raises BoardError when a hash differs or the index cannot be reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in GLIBC]
    _pip(
        *shlex.split(
            "download --no-deps --require-hashes --only-binary=:all: --ignore-requires-python"
        ),
        f"--dest={folder}",
        f"--python-version={python}",
        *platforms,
        "--platform=manylinux2014_aarch64",
        f"--requirement={LOCKS / f'python{python}.txt'}",
    )
    return sorted(folder.glob("*.whl"))


def build_own_wheel(source: Path, folder: Path) -> Path:
    """Return the wheel of the project in `source`, built into `folder` with the locked tools."""
    tools = folder / "tools"
    options = shlex.split("install --require-hashes --only-binary=:all:")
    _pip(*options, f"--target={tools}", f"--requirement={LOCKS / 'build.txt'}")
    _call(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=source,
        environment={"PYTHONPATH": str(tools)},
    )
    return next(folder.glob("*.whl"))


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Unpack the modules of `wheel` into the site-packages `folder`; no scripts, no tests."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            target = _target(PurePosixPath(name))
            if target is None or name.endswith("/"):
                continue
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))


def _target(name: PurePosixPath) -> PurePosixPath | None:
    """Return where a file of a wheel goes, counted from site-packages."""
    parts = name.parts
    if parts[0].endswith(".data"):
        if parts[1] not in ("purelib", "platlib"):
            return None
        parts = parts[2:]
    return None if set(parts) & set(LEFT_OUT) else PurePosixPath(*parts)


def _pip(*arguments: str) -> None:
    _call([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def _call(
    command: list[str], cwd: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
        reason = " ".join(lines or done.stderr.splitlines()[-1:] or ["no reason given"])
        raise BoardError(f"{command[2]}: {reason.strip()}")
