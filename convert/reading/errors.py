"""One place decides what "cannot be read" means."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_py.errors import ArtefactError, TriggerWordError


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn whatever reading the file at `path` raises into one line, an ArtefactError."""
    try:
        yield
    except TriggerWordError as error:
        if str(error).startswith(f"{path}: "):
            raise
        raise ArtefactError(f"{path}: {error}") from error
    except Exception as error:
        # Keras, h5py, zipfile and json promise nothing of what they raise for nonsense.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ArtefactError(
            f"{path}: this cannot be read as a network ({reason}); save it again"
        ) from error
