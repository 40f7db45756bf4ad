"""The files of the package, laid out as they will lie on the device."""

import gzip
import shutil
from datetime import date
from pathlib import Path

from board.package.manual import manual_page
from board.package.wheels import PYTHONS, unpack_wheel
from firmware_py.settings.text import default_settings_text

SOURCE = Path(__file__).parents[2]
TEXTS = Path(__file__).parent / "doc"
SERVICE = Path(__file__).parents[1] / "service"
OPT = Path("opt/trigger-word")
STATE = "var/lib/trigger-word"
GENERATOR = "usr/lib/systemd/system-generators/trigger-word"
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
        ("network.conf", "usr/share/trigger-word/network.conf"),
        ("network-generator", GENERATOR),
    ):
        _copy(SERVICE / source, root / target)
    (root / "etc" / "trigger-word.d").mkdir(parents=True)
    settings = default_settings_text().replace('"clips"', f'"/{STATE}/clips"')
    (root / "etc" / "trigger-word.toml").write_text(settings, encoding="utf-8")
    (root / STATE / "models").mkdir(parents=True)


def lay_documents(root: Path, version: str, day: date) -> None:
    """Lay out manual page, changelogs, copyright and what lintian is told."""
    _copy(TEXTS / "copyright", root / DOC / "copyright")
    _copy(TEXTS / "lintian-overrides", root / "usr/share/lintian/overrides/trigger-word")
    _compress(root / DOC / "changelog.gz", (TEXTS / "changelog").read_text(encoding="utf-8"))
    _compress(root / DOC / "NEWS.gz", (SOURCE / "CHANGELOG.md").read_text(encoding="utf-8"))
    page = manual_page(version, day.isoformat())
    _compress(root / "usr/share/man/man1/trigger-word.1.gz", page)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _compress(path: Path, text: str) -> None:
    """Write `text` as gzip that depends on nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
