"""What a .deb says of itself."""

import hashlib
from pathlib import Path

from board.programs import run


def control_fields(deb: Path) -> dict[str, str]:
    """Return the fields of the control file; raises BoardError if `deb` is no package."""
    text = run(["dpkg-deb", "--field", deb], package="dpkg").decode()
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] += f"\n{line}"
        else:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
