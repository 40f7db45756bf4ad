"""Files that are replaced at once: a reader, or a run after a kill, finds the old or the new."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the file to write instead of `path`; it takes its place if all goes well, or goes."""
    part = path.with_name(f".part-{path.name}")  # Keras goes by the end of the name
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
