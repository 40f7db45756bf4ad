"""The digest of a file."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal; OSError as the file gives it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
