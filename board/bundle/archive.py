"""Packages out of Debian's archive by apt, whose job signatures, hashes, dependencies are."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from board.bundle.releases import Release
from board.errors import BoardError
from board.programs import run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"

BASE_PRIORITIES = ("required", "important")
"""What every installed Debian has; the bundle brings everything beyond that."""

INSTALLED = """\
Package: {name}
Status: install ok installed
Version: {version}
Architecture: {architecture}
Multi-Arch: foreign
Maintainer: none
Description: part of the base system

"""


@dataclass(frozen=True)
class Fetched:
    """A package that apt has fetched and verified."""

    path: Path
    url: str


class Archive:
    """Debian's archive for a device of one release, with an apt of its own under `folder`."""

    def __init__(self, release: Release, architecture: str, folder: Path) -> None:
        self.release = release
        self.architecture = architecture
        self.folder = folder / f"{release}-{architecture}"
        self._write_configuration()

    def update(self) -> None:
        """Fetch the signed indexes; raises BoardError if there is no network."""
        self._apt("apt-get", "update", "--error-on=any")

    def fetch_dependencies(self, deb: Path) -> list[Fetched]:
        """Return what `deb` needs beyond the base system, fetched and verified."""
        self._write_base_status()
        install = ("apt-get", "install", str(deb.resolve()))
        # apt lists only what it would fetch: with nothing fetched before, that is all.
        with tempfile.TemporaryDirectory() as empty:
            Path(empty, "partial").mkdir()
            place = f"Dir::Cache::archives={empty}/"
            listing = self._apt(*install, "--print-uris", "--quiet=2", "-o", place)
        self._apt(*install, "--download-only")
        uris = re.findall(r"^'(http[^']+)' (\S+) \d+", listing, re.MULTILINE)
        archives = self.folder / "cache" / "archives"
        return sorted((Fetched(archives / name, url) for url, name in uris), key=lambda f: f.url)

    def _write_configuration(self) -> None:
        if not KEYRING.exists():
            raise BoardError(f"{KEYRING} is missing; install the package debian-archive-keyring")
        for part in (
            "lists/partial",
            "cache/archives/partial",
            "etc/apt.conf.d",
            "etc/preferences.d",
        ):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        release, signed = self.release, f"Signed-By: {KEYRING}\nComponents: main\nTypes: deb"
        (self.folder / "etc" / "debian.sources").write_text(
            f"URIs: {MIRROR}\nSuites: {release} {release}-updates\n{signed}\n\n"
            f"URIs: {SECURITY}\nSuites: {release}-security\n{signed}\n"
        )
        folder = self.folder.resolve()
        (folder / "apt.conf").write_text(
            f"""\
Dir "{folder}/";
Dir::State "{folder}/";
Dir::State::lists "{folder}/lists/";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache/";
Dir::Etc "{folder}/etc/";
Dir::Etc::sourcelist "{folder}/etc/debian.sources";
Dir::Etc::sourceparts "-";
APT::Architecture "{self.architecture}";
APT::Architectures {{ "{self.architecture}"; }};
APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
APT::Sandbox::User "{os.environ.get("USER", "root")}";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
"""
        )

    def _write_base_status(self) -> None:
        """Tell apt that the base system is installed, as it would install it today."""
        status = self.folder / "status"
        status.write_text("")
        stanzas = self._apt("apt-cache", "dumpavail").split("\n\n")
        names = sorted({name for name in map(_base_name, stanzas) if name})
        plan = self._apt("apt-get", "install", "--simulate", *names)
        inst = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", plan, re.MULTILINE)
        status.write_text(
            "".join(INSTALLED.format(name=n, version=v, architecture=a) for n, v, a in inst)
        )

    def _apt(self, program: str, *arguments: str) -> str:
        env = {**os.environ, "APT_CONFIG": str(self.folder.resolve() / "apt.conf"), "LC_ALL": "C"}
        try:
            return run([program, *arguments], package="apt", env=env).decode()
        except BoardError as error:
            raise BoardError(f"Debian {self.release}, {self.architecture}: {error}") from error


def pool_name(fetched: Fetched) -> str:
    """Return the package's file name in the archive: without the epoch, fit for FAT."""
    return unquote(fetched.url.rsplit("/", 1)[-1])


def copy_into(fetched: Fetched, folder: Path) -> Path:
    """Copy a fetched package to `folder` under its name in the archive."""
    return Path(shutil.copyfile(fetched.path, folder / pool_name(fetched)))


def _base_name(stanza: str) -> str:
    """Return the name of the package if every installed system has it."""
    priority = re.search(r"^Priority: (\S+)$", stanza, re.MULTILINE)
    name = re.search(r"^Package: (\S+)$", stanza, re.MULTILINE)
    essential = "\nEssential: yes" in stanza
    if name and (essential or (priority and priority[1] in BASE_PRIORITIES)):
        return name[1]
    return ""
