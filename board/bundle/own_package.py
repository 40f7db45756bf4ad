"""The trigger-word package: as given, or built."""

from pathlib import Path

from board.cache import cache_folder
from board.errors import BoardError


def own_package(given: Path | None) -> Path:
    """Return `given`, or the package built from this source."""
    if given is None:
        from board.package import build_package

        return build_package(cache_folder("package"))
    if not given.is_file():
        raise BoardError(f"{given}: there is no such package; leave it out to have it built")
    return given
