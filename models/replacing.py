"""Files that are replaced at once: a reader, or a run after a kill, finds the old or the new."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the file to write instead of `path`, whose place it takes when all went well."""
    part = path.with_name(f".part-{path.name}")  # Keras goes by the end of the name
    yield part
    part.replace(path)
