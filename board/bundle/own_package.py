"""The trigger-word package: as given, or built."""

import os
from pathlib import Path

from board.errors import BoardError


def own_package(given: Path | None) -> Path:
    """Return `given`, or the package built from this source."""
    if given is None:
        from board.package import build

        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        package: Path = build(Path(cache) / "trigger-word" / "package")
        return package
    if not given.is_file():
        raise BoardError(f"{given}: there is no such package; leave it out to have it built")
    return given
