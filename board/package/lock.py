"""Renewing the lock files: what the device's Python packages are pinned to."""

import shutil
import subprocess

from board.errors import BoardError
from board.package.tree import SOURCE
from board.package.wheels import LOCKS, PYTHONS
from firmware_py.reading.lines import last_line

EXTRAS = ("gpio", "mqtt", "wyoming", "web", "signatures")
UNUSED = ("backports-strenum", "flatbuffers", "ml-dtypes", "protobuf", "tqdm")
"""ai-edge-litert declares them, but its interpreter imports none of them."""
PLATFORM = "aarch64-manylinux_2_36"


def renew_locks() -> None:
    """Pin the newest versions that pyproject.toml allows, with the hashes of their wheels."""
    common = ["--generate-hashes", "--no-annotate", "--no-header", "--upgrade"]
    for python in PYTHONS:
        _compile(
            "pyproject.toml",
            f"python{python}.txt",
            *common,
            "--only-binary=:all:",
            f"--python-version={python}",
            f"--python-platform={PLATFORM}",
            *(f"--extra={extra}" for extra in EXTRAS),
            *(f"--no-emit-package={package}" for package in UNUSED),
        )
    _compile(str(LOCKS / "build.in"), "build.txt", *common, "--universal")


def _compile(source: str, lock: str, *options: str) -> None:
    if not shutil.which("uv"):
        raise BoardError("uv is missing; install it with: pip install uv")
    command = ["uv", "pip", "compile", "--quiet", source, "-o", str(LOCKS / lock), *options]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BoardError(f"uv: {last_line(done.stderr, 'no reason given')}")
