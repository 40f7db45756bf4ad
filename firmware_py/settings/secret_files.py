"""Files that hold secrets: only the owner and the service's group may read them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from firmware_py.errors import SettingsError
from firmware_py.reading.files import read_file

FORBIDDEN_MODE = 0o027
"""Written by the group, or used in any way by others."""
MOST_BYTES = 4096
LOOPBACK = ("localhost", "127.", "::1")


@dataclass(frozen=True)
class Credentials:
    """The content of a credentials file."""

    username: str
    password: str


def read_credentials(path: Path) -> Credentials:
    """Return user name and password; raises SettingsError, without the content in its words."""
    refuse_open_file(path)
    content = read_file(path, "credentials", MOST_BYTES, SettingsError)
    try:
        mapping = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not a TOML file with username and password") from error
    strings = all(isinstance(mapping.get(name), str) for name in ("username", "password"))
    if not strings or len(mapping) != 2:
        raise SettingsError(f'{path}: give username = "..." and password = "...", nothing else')
    return Credentials(mapping["username"], mapping["password"])


def refuse_open_file(path: Path) -> None:
    """Raise SettingsError for a secret that others can read or the group can change."""
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        raise SettingsError(f"{path}: cannot read the secret: {error.strerror}") from error
    if mode & FORBIDDEN_MODE:
        raise SettingsError(
            f"{path}: others can use this secret (mode {mode:03o}); close it: chmod g-w,o= {path}"
        )


def is_this_machine(host: str) -> bool:
    """Return whether what is sent to `host` stays on this machine."""
    return host.lower().startswith(LOOPBACK)
