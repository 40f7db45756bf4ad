"""What a device is and has, asked in one go."""

from dataclasses import dataclass

from board.bundle import RELEASES, Release
from board.device.kit import FOLDER as DEVICE
from board.device.kit import SUGGESTED
from board.errors import BoardError
from board.prepare.boot_files import BEGIN, END
from board.provision.remote import Remote

CONFIG = "/boot/firmware/config.txt"
STAGE = ".cache/trigger-word-provision"
"""Below the user's home: what is copied there waits for the installation."""

ETC = {
    "trigger-word.toml": "/etc/trigger-word.toml",
    SUGGESTED: "/etc/trigger-word.toml",
    "asound.conf": "/etc/asound.conf",
    "mixer.rules": "/etc/udev/rules.d/91-trigger-word-mixer.rules",
}
"""Where the files of a kit go."""

QUESTIONS = f"""\
. /etc/os-release
echo "release=${{VERSION_CODENAME:-unknown}}"
echo "architecture=$(dpkg --print-architecture)"
echo "version=$(dpkg-query -W -f='${{db:Status-Status}} ${{Version}}' trigger-word 2>/dev/null |
    sed -n 's/^installed //p')"
echo "active=$(systemctl is-active trigger-word.service 2>/dev/null)"
mkdir -p "$HOME/{STAGE}" && chmod 700 "$HOME/{STAGE}"
echo "free=$(df -P -k "$HOME/{STAGE}" /var /opt 2>/dev/null | awk 'NR > 1 {{print $4}}' |
    sort -n | head -n 1)"
echo "stage=$HOME/{STAGE}"
cd "$HOME/{STAGE}" && find . -type f -exec sha256sum {{}} + |
    sed 's|^\\([0-9a-f]*\\)  ./|staged=\\1 |'
"""

ROOT_QUESTIONS = f"""\
echo "settings=$({(DEVICE / "settings-state.sh").read_text()})"
sha256sum {" ".join(sorted(set(ETC.values())))} 2>/dev/null | sed 's/^/etc=/'
if [ -e {CONFIG} ]; then
    echo "config=found"
    sed -n '/^{BEGIN}$/,/^{END}$/ s/^d/line=&/p' {CONFIG}
fi
"""


@dataclass(frozen=True)
class Facts:
    """A device as it was found."""

    release: Release
    architecture: str
    version: str
    """Of trigger-word; empty: none is installed."""
    active: bool
    """Whether the service is ready."""
    free_bytes: int
    stage: str
    staged: dict[str, str]
    """SHA-256 of files that wait in the stage, by path."""
    etc: dict[str, str]
    """SHA-256 of the files in /etc, by path."""
    own_settings: bool
    """Whether a person has decided something in the settings."""
    config_lines: tuple[str, ...] | None
    """Our lines in config.txt; None: there is no such file."""


def ask(remote: Remote) -> Facts:
    """Return the facts; raises UnreachableError, or BoardError if this is no system for us."""
    lines = [
        line.partition("=") for line in remote.run(QUESTIONS).output.splitlines() if "=" in line
    ]
    lines += [
        line.partition("=") for line in remote.run_as_root(ROOT_QUESTIONS).output.splitlines()
    ]
    single = {key: value for key, _, value in lines}
    digests: dict[str, dict[str, str]] = {"staged": {}, "etc": {}}
    for key, _, value in lines:
        if key in digests:
            digest, _, path = value.partition(" ")
            digests[key][path.strip()] = digest
    address, release = remote.target.address, single.get("release")
    if release not in RELEASES:
        raise BoardError(
            f"{address}: this is {release or 'no Debian'}; it takes {' or '.join(RELEASES)}"
        )
    if not single.get("free", "").isdigit():
        raise BoardError(f"{address}: the disk cannot be read or written; is it read-only?")
    return Facts(
        release=RELEASES[RELEASES.index(release)],
        architecture=single.get("architecture", ""),
        version=single.get("version", ""),
        active=single.get("active") == "active",
        free_bytes=int(single["free"]) * 1024,
        stage=single["stage"],
        staged=digests["staged"],
        etc=digests["etc"],
        own_settings=single.get("settings") == "own",
        config_lines=tuple(value for key, _, value in lines if key == "line")
        if "config" in single
        else None,
    )
