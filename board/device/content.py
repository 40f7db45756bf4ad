"""Content for a file: in memory, or the file that holds it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from board.bundle.debian_package import sha256_of

Content = bytes | Path


def digest_of(content: Content) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def digest_of_all(files: Mapping[str, Content]) -> str:
    """Return a digest of names and contents, in hexadecimal digits."""
    lines = [f"{digest_of(content)}  {name}\n" for name, content in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def size_of(content: Content) -> int:
    """Return the number of bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def bytes_of(content: Content) -> bytes:
    """Return the content itself."""
    return content.read_bytes() if isinstance(content, Path) else content
