"""The files of the package, laid out as they will lie on the device."""

import gzip
import shutil
from pathlib import Path

from board.package.wheels import PYTHONS, unpack_wheel
from firmware_py.settings.text import default_settings_text

SERVICE = Path(__file__).parents[1] / "service"
OPT = Path("opt/trigger-word")
DOC = Path("usr/share/doc/trigger-word")
PYAUDIO = "/usr/lib/python3/dist-packages/pyaudio"
"""Where python3-pyaudio lies: the only module that is borrowed from the distribution."""


def site_packages(python: str) -> Path:
    """Return the folder of the packages for `python`, counted from the root."""
    return OPT / "lib" / f"python{python}" / "site-packages"


def lay_environment(root: Path, wheels: dict[str, list[Path]]) -> None:
    """Lay the environment out: one venv that both Pythons can run, each with its packages.

    wheels: for each of `PYTHONS`.
    """
    (root / OPT / "bin").mkdir(parents=True)
    (root / OPT / "bin" / "python3").symlink_to("/usr/bin/python3")
    (root / OPT / "pyvenv.cfg").write_text(
        "home = /usr/bin\ninclude-system-site-packages = false\n", encoding="utf-8"
    )
    for python in PYTHONS:
        folder = root / site_packages(python)
        for wheel in wheels[python]:
            unpack_wheel(wheel, folder)
        (folder / "pyaudio").symlink_to(PYAUDIO)


def lay_system_files(root: Path) -> None:
    """Lay out what is outside /opt: unit, rules, settings, samples, launcher."""
    for source, target in (
        ("trigger-word.service", "usr/lib/systemd/system/trigger-word.service"),
        ("sysusers.conf", "usr/lib/sysusers.d/trigger-word.conf"),
        ("60-trigger-word.rules", "usr/lib/udev/rules.d/60-trigger-word.rules"),
        ("launcher.py", "usr/bin/trigger-word"),
        ("asound.conf", f"{DOC}/examples/asound.conf"),
    ):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SERVICE / source, root / target)
    (root / "etc" / "trigger-word.d").mkdir(parents=True)
    (root / "etc" / "trigger-word.toml").write_text(default_settings_text(), encoding="utf-8")
    (root / "var/lib/trigger-word/models").mkdir(parents=True)


def write_compressed(path: Path, text: str) -> None:
    """Write `text` as gzip that depends on nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
