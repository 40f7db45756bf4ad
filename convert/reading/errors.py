"""One place decides what "cannot be read" means."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_py.errors import ArtefactError, TriggerWordError
from firmware_py.reading.lines import first_line

LONGEST_FAULT = 500
"""Files name their layers as they like."""


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn whatever reading the file at `path` raises into one line, an ArtefactError."""
    try:
        yield
    except TriggerWordError as error:
        if str(error).startswith(f"{path}: "):
            raise
        raise ArtefactError(f"{path}: {first_line(error, LONGEST_FAULT)}") from error
    except Exception as error:
        # Keras, h5py, zipfile and json promise nothing of what they raise for nonsense.
        reason = first_line(error, LONGEST_FAULT)
        raise ArtefactError(
            f"{path}: this cannot be read as a network ({reason}); save it again"
        ) from error
