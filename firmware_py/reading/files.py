"""Files that people hand us: read once, within bounds, or refused with one line.

This is the one place that decides what "cannot be read" means: whatever a parser raises, be it for
ten thousand brackets, a number of five thousand digits or a name with a NUL in it, is an error of
ours with the file's name. The live service goes on with what it had.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_py.errors import TriggerWordError

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves the cursor, ends a line or turns its direction in a log or a terminal."""
LONGEST_REASON = 200


@contextmanager
def refused_as(error_class: type[TriggerWordError], what: str) -> Iterator[None]:
    """Turn whatever is raised inside into `error_class`, one line that begins with `what`.

    Errors of ours pass as they are: they are such lines already.
    """
    try:
        yield
    except TriggerWordError:
        raise
    except Exception as error:
        raise error_class(f"{what}: {_reason(error, what)}") from error


def _reason(error: Exception, what: str) -> str:
    """Return what went wrong, in one short line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        named = error.filename is not None and str(error.filename) not in what
        text = f"{error.strerror}: {error.filename}" if named else error.strerror
    return CONTROL_CHARACTERS.sub(" ", text)[:LONGEST_REASON] or type(error).__name__


def read_file(path: Path, what: str, most_bytes: int, error_class: type[TriggerWordError]) -> bytes:
    """Return the bytes of a regular file, which is opened once.

    what: the kind of file, such as "model", for the message of `error_class`. A pipe or a device
    is refused: it could hold the reader for ever, and say something else the next time.
    """
    with (
        refused_as(error_class, f"{shown(path)}: cannot read the {what}"),
        open(path, "rb", opener=_open_at_once) as file,
    ):
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a regular file")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise error_class(
            f"{shown(path)}: the {what} is larger than {most_bytes:,} bytes; name another"
        )
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def shown(path: Path | str) -> str:
    """Return a file's name for a message, without characters that would break its line."""
    return CONTROL_CHARACTERS.sub("?", str(path))
