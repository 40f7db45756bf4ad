"""What the numbers were measured on."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from firmware_py.interpreter import installed_runtimes

DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """The board and the software on it."""

    model: str
    architecture: str
    num_cores: int
    kernel: str
    python: str
    versions: dict[str, str]
    """Of this package, numpy and the interpreters."""


def read_machine() -> Machine:
    """Return what this machine says of itself."""
    packages = ("trigger-word", "numpy", *installed_runtimes())
    return Machine(
        model=_model(),
        architecture=platform.machine(),
        num_cores=os.cpu_count() or 1,
        kernel=platform.release(),
        python=platform.python_version(),
        versions={package: version(package) for package in packages},
    )


def _model() -> str:
    """Return the board's name, or the processor's where there is no device tree."""
    if DEVICE_TREE_MODEL.exists():
        return DEVICE_TREE_MODEL.read_text(errors="replace").strip("\0\n")
    for line in CPU_INFO.read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()
